//! The Kubernetes API without machines.

use std::{net::TcpStream, process::Command};

use orbos_lab::Api;

#[test]
fn an_api_stores_objects_and_runs_controllers_until_it_is_dropped() {
    let api = Api::start().unwrap();
    let kubectl = |arguments: &[&str]| {
        let output =
            Command::new(api.kubectl()).arg("--kubeconfig").arg(api.kubeconfig()).args(arguments).output();
        let output = output.unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };

    assert!(kubectl(&["version", "--short"]).contains("Server Version: v1.20.2"));
    kubectl(&["create", "namespace", "here"]);
    kubectl(&["-n", "here", "create", "deployment", "web", "--image=busybox"]);
    // The deployment controller runs if it answers for the newest generation.
    kubectl(&["-n", "here", "wait", "--for=condition=Progressing", "--timeout=60s", "deployment/web"]);
    kubectl(&["delete", "namespace", "here", "--timeout=60s"]);

    let (folder, address) =
        (api.kubeconfig().parent().unwrap().to_owned(), api.url().replace("https://", ""));
    assert!(TcpStream::connect(&address).is_ok());
    drop(api);
    assert!(!folder.exists());
    assert!(TcpStream::connect(&address).is_err(), "nobody listens any more");
}
