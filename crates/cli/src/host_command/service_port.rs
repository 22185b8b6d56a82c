//! The values of `--serve`: services, their ports, and the directory of `http`.

use std::path::PathBuf;

use clap_complete::engine::CompletionCandidate;
use services::ServiceKind;

use crate::error_message::ErrorMessage;

/// A service, and its port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ServicePort {
    pub(crate) service: ServedService,
    pub(crate) port: u16,
}

/// A service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ServedService {
    /// A service on UDP and TCP.
    Small(ServiceKind),
    /// HTTP on TCP, with the files of a directory, or with the status page of the host.
    Http(Option<PathBuf>),
}

/// Name of the HTTP server.
const HTTP: &str = "http";

impl ServedService {
    fn named(name: &str) -> Option<ServedService> {
        if name == HTTP {
            return Some(ServedService::Http(None));
        }
        ServiceKind::ALL.into_iter().find(|kind| kind.name() == name).map(ServedService::Small)
    }

    /// Returns the name.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            ServedService::Small(kind) => kind.name(),
            ServedService::Http(_) => HTTP,
        }
    }

    fn default_port(&self) -> u16 {
        match self {
            ServedService::Small(kind) => kind.default_port(),
            ServedService::Http(_) => 80,
        }
    }
}

/// Parses a service with or without a port and a directory: `echo`, `chargen:1900`, `http:8080=/srv/www`.
pub(crate) fn service_port(text: &str) -> Result<ServicePort, ErrorMessage> {
    let (service, directory) = match text.split_once('=') {
        None => (text, None),
        Some((service, directory)) => (service, Some(directory)),
    };
    let (name, port) = match service.split_once(':') {
        None => (service, None),
        Some((name, port)) => (name, Some(port)),
    };
    let mut service = ServedService::named(name).ok_or_else(|| {
        ErrorMessage::new("unknown service").hint("use echo, discard, daytime, chargen or http")
    })?;
    let port = match port {
        None => service.default_port(),
        Some(port) => port.parse().ok().filter(|port| *port != 0).ok_or_else(|| {
            let example = if name == HTTP { 8_080 } else { 1_900 };
            ErrorMessage::new("expected a port from 1 to 65535").hint(format!("use e.g. {name}:{example}"))
        })?,
    };
    match (&mut service, directory) {
        (_, None) => {}
        (ServedService::Http(_), Some("")) => {
            return Err(ErrorMessage::new("expected a directory").hint("use e.g. http=/srv/www"));
        }
        (ServedService::Http(served), Some(directory)) => *served = Some(directory.into()),
        (ServedService::Small(kind), Some(_)) => {
            return Err(ErrorMessage::new(format!("{kind} has no directory")).hint("use e.g. http=/srv/www"));
        }
    }
    Ok(ServicePort { service, port })
}

/// Rejects two services on one port.
pub(crate) fn check(ports: &[ServicePort]) -> Result<(), ErrorMessage> {
    for (position, ServicePort { service, port }) in ports.iter().enumerate() {
        if let Some(other) = ports.iter().take(position).find(|other| other.port == *port) {
            let (first, name) = (other.service.name(), service.name());
            return Err(ErrorMessage::new(format!("--serve: {first} and {name} use the same port {port}"))
                .hint(format!("use another port, e.g. {name}:1900")));
        }
    }
    Ok(())
}

/// Returns the names of the services, for completions.
pub(crate) fn service_names() -> Vec<CompletionCandidate> {
    ServiceKind::ALL.into_iter().map(ServiceKind::name).chain([HTTP]).map(CompletionCandidate::new).collect()
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
            let service = ServedService::Small(kind);
            assert_eq!(service_port(text), Ok(ServicePort { service, port }), "{text}");
        }
        for (text, directory, port) in [
            ("http", None, 80),
            ("http:8080", None, 8_080),
            ("http=.", Some("."), 80),
            ("http:8080=/srv/a:b=c", Some("/srv/a:b=c"), 8_080),
        ] {
            let service = ServedService::Http(directory.map(PathBuf::from));
            assert_eq!(service_port(text), Ok(ServicePort { service, port }), "{text}");
        }
    }

    #[test]
    fn service_port_rejects_unknown_services_and_invalid_ports() {
        let names = "unknown service\nhint: use echo, discard, daytime, chargen or http";
        let ports = "expected a port from 1 to 65535\nhint: use e.g. echo:1900";
        for (text, message) in [
            ("", names),
            ("https", names),
            ("Echo", names),
            (":7", names),
            ("=.", names),
            ("echo:", ports),
            ("echo:0", ports),
            ("echo:65536", ports),
            ("echo:-7", ports),
            ("echo:7:8", ports),
            ("http:0", "expected a port from 1 to 65535\nhint: use e.g. http:8080"),
            ("http=", "expected a directory\nhint: use e.g. http=/srv/www"),
            ("echo=.", "echo has no directory\nhint: use e.g. http=/srv/www"),
        ] {
            let error = service_port(text).expect_err("the service should be rejected");
            assert_eq!(error.to_string(), message, "{text}");
        }
    }

    #[test]
    fn two_services_on_one_port_are_rejected() {
        let port = |text| service_port(text).unwrap();
        assert_eq!(check(&[port("echo"), port("discard"), port("echo:1007"), port("http")]), Ok(()));
        let error = check(&[port("discard"), port("echo:7"), port("http:7")]);
        let message = "--serve: echo and http use the same port 7\nhint: use another port, e.g. http:1900";
        assert_eq!(error.expect_err("port 7 should be rejected").to_string(), message);
    }
}
