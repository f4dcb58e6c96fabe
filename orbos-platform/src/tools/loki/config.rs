//! Loki's configuration: what both 3.7 and 4.0 understand, and nothing that goes in 4.0.

use serde::Serialize;

use crate::Error;

/// Where everything is kept.
pub(super) const FOLDER: &str = "/var/loki";

/// The whole file.
#[derive(Debug, Serialize)]
pub(super) struct Config {
    auth_enabled: bool,
    server: Server,
    common: Common,
    schema_config: Schemas,
    storage_config: Storages,
    ingester: Ingester,
    limits_config: Limits,
    compactor: Compactor,
    query_range: QueryRange,
    analytics: Analytics,
}

#[derive(Debug, Serialize)]
struct Server {
    http_listen_port: u16,
    grpc_listen_port: u16,
    log_format: &'static str,
    log_level: &'static str,
}

#[derive(Debug, Serialize)]
struct Common {
    path_prefix: &'static str,
    replication_factor: u8,
    instance_addr: &'static str,
    ring: Ring,
}

#[derive(Debug, Serialize)]
struct Ring {
    kvstore: KeyValueStore,
}

#[derive(Debug, Serialize)]
struct KeyValueStore {
    store: &'static str,
}

#[derive(Debug, Serialize)]
struct Schemas {
    configs: [Schema; 1],
}

/// How logs of a period are kept. It never changes: what was written before a `from` is looked for in another way.
#[derive(Debug, Serialize)]
struct Schema {
    from: &'static str,
    store: &'static str,
    object_store: &'static str,
    schema: &'static str,
    index: Index,
}

#[derive(Debug, Serialize)]
struct Index {
    prefix: &'static str,
    period: &'static str,
}

#[derive(Debug, Serialize)]
struct Storages {
    /// Its default changes in 4.0, and files written in one way are not found in the other.
    use_thanos_objstore: bool,
    filesystem: Filesystem,
    tsdb_shipper: Shipper,
}

#[derive(Debug, Serialize)]
struct Filesystem {
    directory: String,
}

#[derive(Debug, Serialize)]
struct Shipper {
    active_index_directory: String,
    cache_location: String,
}

#[derive(Debug, Serialize)]
struct Ingester {
    wal: Journal,
}

#[derive(Debug, Serialize)]
struct Journal {
    dir: String,
    flush_on_shutdown: bool,
}

#[derive(Debug, Serialize)]
struct Limits {
    retention_period: String,
    reject_old_samples: bool,
    reject_old_samples_max_age: &'static str,
    volume_enabled: bool,
    allow_structured_metadata: bool,
}

#[derive(Debug, Serialize)]
struct Compactor {
    working_directory: String,
    compaction_interval: &'static str,
    retention_enabled: bool,
    delete_request_store: &'static str,
}

#[derive(Debug, Serialize)]
struct QueryRange {
    results_cache: ResultsCache,
}

#[derive(Debug, Serialize)]
struct ResultsCache {
    cache: Cache,
}

#[derive(Debug, Serialize)]
struct Cache {
    embedded_cache: EmbeddedCache,
}

#[derive(Debug, Serialize)]
struct EmbeddedCache {
    enabled: bool,
    max_size_mb: u16,
}

#[derive(Debug, Serialize)]
struct Analytics {
    reporting_enabled: bool,
}

impl Config {
    /// One process that keeps all on its own disk, for so many hours.
    pub(super) fn new(http: u16, grpc: u16, hours: u64) -> Self {
        let below = |folder: &str| format!("{FOLDER}/{folder}");
        Self {
            auth_enabled: false,
            server: Server {
                http_listen_port: http,
                grpc_listen_port: grpc,
                log_format: "logfmt",
                log_level: "info",
            },
            common: Common {
                path_prefix: FOLDER,
                replication_factor: 1,
                instance_addr: "127.0.0.1",
                ring: Ring { kvstore: KeyValueStore { store: "inmemory" } },
            },
            schema_config: Schemas {
                configs: [Schema {
                    from: "2024-01-01",
                    store: "tsdb",
                    object_store: "filesystem",
                    schema: "v13",
                    index: Index { prefix: "index_", period: "24h" },
                }],
            },
            storage_config: Storages {
                use_thanos_objstore: false,
                filesystem: Filesystem { directory: below("chunks") },
                tsdb_shipper: Shipper {
                    active_index_directory: below("index"),
                    cache_location: below("index-cache"),
                },
            },
            ingester: Ingester { wal: Journal { dir: below("wal"), flush_on_shutdown: true } },
            limits_config: Limits {
                retention_period: format!("{hours}h"),
                reject_old_samples: true,
                reject_old_samples_max_age: "168h",
                volume_enabled: true,
                allow_structured_metadata: true,
            },
            compactor: Compactor {
                working_directory: below("compactor"),
                compaction_interval: "10m",
                retention_enabled: true,
                delete_request_store: "filesystem",
            },
            query_range: QueryRange {
                results_cache: ResultsCache {
                    cache: Cache { embedded_cache: EmbeddedCache { enabled: true, max_size_mb: 64 } },
                },
            },
            analytics: Analytics { reporting_enabled: false },
        }
    }

    /// The file's text.
    pub(super) fn text(&self) -> Result<String, Error> {
        let why = |it: serde_yaml::Error| Error::invalid("spec.logsPersisting", it.to_string());
        serde_yaml::to_string(self).map_err(why)
    }
}

/// How many hours logs are kept: a number of `h`, `d` or `w` that makes whole days, as there is one index a day.
pub(super) fn hours(text: &str) -> Result<u64, Error> {
    let wrong = || {
        let why = format!("it is `{text}`, but can be a whole number of days, like `336h`, `14d` or `2w`");
        Error::invalid("spec.logsPersisting.retention", why)
    };
    let unit = text.chars().next_back().ok_or_else(wrong)?;
    let each = match unit {
        'h' => 1,
        'd' => 24,
        'w' => 7 * 24,
        _ => return Err(wrong()),
    };
    let digits = text.strip_suffix(unit).filter(|it| it.bytes().all(|it| it.is_ascii_digit()));
    let number: u64 = digits.and_then(|it| it.parse().ok()).ok_or_else(wrong)?;
    // Loki counts nanoseconds in 64 bits: 292 years.
    let hours = number.checked_mul(each).filter(|it| (24..=292 * 365 * 24).contains(it));
    hours.filter(|it| it % 24 == 0).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retention_is_whole_days() {
        for (text, expected) in [("336h", 336), ("24h", 24), ("14d", 336), ("2w", 336), ("0048h", 48)] {
            assert_eq!(hours(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn a_retention_that_is_none_is_named_with_what_would_be_valid() {
        for text in [
            "",
            "h",
            "12h",
            "36h",
            "0h",
            "0d",
            "-24h",
            "+24h",
            "24",
            "24H",
            "1.5d",
            "1d12h",
            "20160m",
            "2é",
            "99999999999w",
        ] {
            let error = hours(text).unwrap_err().to_string();
            assert_eq!(
                error,
                format!(
                    "spec.logsPersisting.retention: it is `{text}`, but can be a whole number of days, like `336h`, `14d` or `2w`"
                )
            );
        }
    }
}
