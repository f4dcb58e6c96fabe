use std::{fmt, net::SocketAddr, sync::Arc};

use async_trait::async_trait;

use crate::{Error, PrivateKey, Shell};

/// Which machine to get a shell on, as whom and how.
///
/// # Examples
///
/// ```
/// use orbos_ssh::{Privilege, Target};
///
/// let target = Target::new("10.0.0.7:22".parse()?, "orbiter");
/// assert_eq!(target.privilege, Privilege::Sudo);
/// # Ok::<(), std::net::AddrParseError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Target {
    /// The machine's address and SSH port.
    pub address: SocketAddr,
    /// The user to log in as.
    pub user: String,
    /// A machine to connect through; `None` connects directly.
    ///
    /// The same key is used for both. Only the jump host needs to reach
    /// `address`.
    pub jump: Option<Box<Target>>,
    /// How commands become root's.
    pub privilege: Privilege,
}

impl Target {
    /// Makes a target without a jump host; every user but root uses sudo.
    #[must_use]
    pub fn new(address: SocketAddr, user: impl Into<String>) -> Self {
        let user = user.into();
        let privilege = if user == "root" { Privilege::Login } else { Privilege::Sudo };
        Self { address, user, jump: None, privilege }
    }

    /// Lets the connection go through another machine.
    #[must_use]
    pub fn through(self, jump: Target) -> Self {
        Self { jump: Some(Box::new(jump)), ..self }
    }

    /// Sets how commands become root's.
    #[must_use]
    pub fn with_privilege(self, privilege: Privilege) -> Self {
        Self { privilege, ..self }
    }

    /// Returns the name its host key is pinned under: the IP address, with
    /// brackets and port if the port is not 22, as in a `known_hosts` file.
    #[must_use]
    pub fn host(&self) -> String {
        match self.address.port() {
            22 => self.address.ip().to_string(),
            port => format!("[{}]:{port}", self.address.ip()),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.user, self.address)?;
        self.jump.as_ref().map_or(Ok(()), |jump| write!(f, " through {jump}"))
    }
}

/// With whose rights commands run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Privilege {
    /// Root's, by `sudo -n`: the user may use sudo without a password.
    #[default]
    Sudo,
    /// Those of the user that logs in.
    Login,
}

/// Makes shells.
#[async_trait]
pub trait Connect: fmt::Debug + Send + Sync + 'static {
    /// Returns a shell on the target, connected and logged in.
    ///
    /// # Errors
    ///
    /// [`Unreachable`](Error::Unreachable), [`Timeout`](Error::Timeout),
    /// [`HostKeyChanged`](Error::HostKeyChanged), [`Denied`](Error::Denied) and
    /// the like.
    async fn connect(&self, target: &Target, key: &PrivateKey) -> Result<Arc<dyn Shell>, Error>;
}
