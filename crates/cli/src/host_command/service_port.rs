//! The values of `--serve`: services and their ports.

use clap_complete::engine::CompletionCandidate;
use services::ServiceKind;

use crate::error_message::ErrorMessage;

/// A service, and its port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ServicePort {
    pub(crate) kind: ServiceKind,
    pub(crate) port: u16,
}

/// Parses a service with or without a port: `echo`, `chargen:1900`.
pub(crate) fn service_port(text: &str) -> Result<ServicePort, ErrorMessage> {
    let (name, port) = match text.split_once(':') {
        None => (text, None),
        Some((name, port)) => (name, Some(port)),
    };
    let kind = ServiceKind::ALL
        .into_iter()
        .find(|kind| kind.name() == name)
        .ok_or_else(|| ErrorMessage::new("unknown service").hint("use echo, discard, daytime or chargen"))?;
    let port = match port {
        None => kind.default_port(),
        Some(port) => port.parse().ok().filter(|port| *port != 0).ok_or_else(|| {
            ErrorMessage::new("expected a port from 1 to 65535").hint(format!("use e.g. {name}:1900"))
        })?,
    };
    Ok(ServicePort { kind, port })
}

/// Rejects two services on one port.
pub(crate) fn check(ports: &[ServicePort]) -> Result<(), ErrorMessage> {
    for (position, ServicePort { kind, port }) in ports.iter().enumerate() {
        if let Some(other) = ports.iter().take(position).find(|other| other.port == *port) {
            return Err(ErrorMessage::new(format!(
                "--serve: {} and {kind} use the same port {port}",
                other.kind
            ))
            .hint(format!("use another port, e.g. {kind}:1900")));
        }
    }
    Ok(())
}

/// Returns the names of the services, for completions.
pub(crate) fn service_names() -> Vec<CompletionCandidate> {
    ServiceKind::ALL.into_iter().map(|kind| CompletionCandidate::new(kind.name())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn service_port_parses_names_and_ports() {
        for (text, kind, port) in [
            ("echo", ServiceKind::Echo, 7),
            ("discard", ServiceKind::Discard, 9),
            ("daytime", ServiceKind::Daytime, 13),
            ("chargen", ServiceKind::Chargen, 19),
            ("chargen:1900", ServiceKind::Chargen, 1_900),
            ("echo:65535", ServiceKind::Echo, u16::MAX),
        ] {
            assert_eq!(service_port(text), Ok(ServicePort { kind, port }), "{text}");
        }
    }

    #[test]
    fn service_port_rejects_unknown_services_and_invalid_ports() {
        let names = "unknown service\nhint: use echo, discard, daytime or chargen";
        let ports = "expected a port from 1 to 65535\nhint: use e.g. echo:1900";
        for (text, message) in [
            ("", names),
            ("http", names),
            ("Echo", names),
            (":7", names),
            ("echo:", ports),
            ("echo:0", ports),
            ("echo:65536", ports),
            ("echo:-7", ports),
            ("echo:7:8", ports),
        ] {
            let error = service_port(text).expect_err("the service should be rejected");
            assert_eq!(error.to_string(), message, "{text}");
        }
    }

    #[test]
    fn two_services_on_one_port_are_rejected() {
        let port = |text| service_port(text).unwrap();
        assert_eq!(check(&[port("echo"), port("discard"), port("echo:1007")]), Ok(()));
        let error = check(&[port("discard"), port("echo:7"), port("chargen:7")]);
        let message =
            "--serve: echo and chargen use the same port 7\nhint: use another port, e.g. chargen:1900";
        assert_eq!(error.expect_err("port 7 should be rejected").to_string(), message);
    }
}
