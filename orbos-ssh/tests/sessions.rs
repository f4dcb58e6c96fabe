//! Sessions with a real OpenSSH server on loopback.

use std::sync::Arc;

use orbos_ssh::{
    Connect, KnownHosts, SshConnect,
    testing::{Sshd, shell_suite},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_real_shell_passes_the_suite() {
    let sshd = Sshd::start();
    let ssh = SshConnect::new(Arc::new(KnownHosts::new()));
    let shell = ssh.connect(&sshd.target(), &sshd.key()).await.unwrap();
    shell_suite(&*shell).await;
    assert_eq!(sshd.connections(), 1);
}
