//! From where on something is worth looking at; dashboards colour by the same numbers as alerts judge. Shares are
//! between 0 and 1.

/// Two limits of a value, both on the same side.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limit {
    /// Beyond it somebody should look.
    pub warning: f64,
    /// Beyond it something is broken or will be soon.
    pub critical: f64,
}

impl Limit {
    /// Whether values above are the bad ones.
    pub fn is_upper(&self) -> bool {
        self.critical > self.warning
    }

    /// The same limits in a smaller unit.
    #[must_use]
    pub fn times(self, factor: f64) -> Self {
        limit(self.warning * factor, self.critical * factor)
    }
}

const fn limit(warning: f64, critical: f64) -> Limit {
    Limit { warning, critical }
}

/// The share of time that processors are busy.
pub const CPU_BUSY: Limit = limit(0.9, 0.97);
/// The share of memory that is used.
pub const MEMORY_USED: Limit = limit(0.9, 0.95);
/// Processes that run or wait to run, for each processor.
pub const LOAD: Limit = limit(1.5, 4.0);
/// The share of a file system that is used, also of its inodes.
pub const DISK_USED: Limit = limit(0.95, 0.97);
/// The share of time that some process waits for something.
pub const PRESSURE: Limit = limit(0.25, 0.6);
/// How far a clock is off, in seconds.
pub const CLOCK_OFFSET: Limit = limit(0.05, 0.5);
/// The share of the kernel's table of connections that is used.
pub const CONNECTIONS: Limit = limit(0.75, 0.9);
/// The share of packets that are broken.
pub const PACKET_ERRORS: Limit = limit(0.01, 0.1);
/// The share of a persistent volume that is used, also of its inodes.
pub const VOLUME_USED: Limit = limit(0.85, 0.97);
/// The share of a quota that is used.
pub const QUOTA_USED: Limit = limit(0.9, 1.0);
/// What is requested, as a share of what there is.
pub const COMMITTED: Limit = limit(0.9, 1.0);
/// The share of periods in which a container was held back.
pub const THROTTLED: Limit = limit(0.25, 0.5);
/// The share of requests that API servers answer. The objective is the first.
pub const API_AVAILABILITY: Limit = limit(0.99, 0.95);
/// The share of requests to API servers that fail.
pub const API_ERRORS: Limit = limit(0.01, 0.05);
/// How long API servers take for most requests, in seconds.
pub const API_LATENCY: Limit = limit(1.0, 5.0);
/// How long etcd takes to write to its disk, in seconds.
pub const ETCD_FSYNC: Limit = limit(0.1, 0.5);
/// The share of etcd's quota that its database takes.
pub const ETCD_DATABASE: Limit = limit(0.8, 0.95);
/// How long kubelets take to look at all their containers, in seconds.
pub const PLEG: Limit = limit(3.0, 10.0);
/// The share of requests that a gateway answers with a server's error.
pub const GATEWAY_ERRORS: Limit = limit(0.05, 0.2);
/// How long a gateway takes for most requests, in seconds.
pub const GATEWAY_LATENCY: Limit = limit(1.0, 5.0);
/// Days until a certificate expires.
pub const CERTIFICATE_DAYS: Limit = limit(21.0, 7.0);
/// The share of requests that Loki does not answer.
pub const LOKI_ERRORS: Limit = limit(0.05, 0.1);
/// How long Loki takes for most requests, in seconds.
pub const LOKI_LATENCY: Limit = limit(1.0, 5.0);
/// The share of fluentd's buffer that is free, in percent as fluentd has it.
pub const BUFFER_FREE: Limit = limit(40.0, 20.0);
/// How far remote storage is behind, in seconds.
pub const REMOTE_LAG: Limit = limit(120.0, 600.0);
/// Things of which there should be none.
pub const NONE: Limit = limit(0.5, 1.5);
/// What is left of a budget.
pub const BUDGET_LEFT: Limit = limit(0.25, 0.0);
/// The share of requests that a gateway does answer.
pub const GATEWAY_ANSWERED: Limit = limit(1.0 - GATEWAY_ERRORS.warning, 1.0 - GATEWAY_ERRORS.critical);
/// Things of which one is bad.
pub const NOT_ONE: Limit = limit(0.2, 0.5);
/// Health: 1 well, 0.5 worth looking at, 0 broken.
pub const HEALTH: Limit = limit(0.9, 0.4);
