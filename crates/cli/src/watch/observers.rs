//! The observers of all interfaces of a watch, and what they share.

use std::rc::Rc;

use arptools::census::CensusEvent;
use capture::PacketInterface;
use tap::Instant;
use tap::linux::InterfaceName;

use super::arguments::{FailOn, WatchArguments};
use super::known::{EventOrigin, KnownAddresses};
use super::observer::Observer;
use super::text;
use crate::error_message::ErrorMessage;
use crate::failure::Failure;
use crate::vendors::Vendors;

/// Maximum number of interfaces.
pub(super) const MAX_INTERFACES: usize = 16;

/// An observer for each interface, in the order of the interfaces. The interfaces of a capture are in the order of their
/// first frames, and a capture without frames has one observer.
///
/// Each interface has its own table of addresses: one IP address may belong to different stations on two networks.
pub(super) struct Observers {
    pub(super) list: Vec<Observer>,
    fail_on: Vec<FailOn>,
    /// Message about the first event of `--fail-on`.
    pub(super) trigger: Option<ErrorMessage>,
    /// The known addresses of `--known`.
    known: Option<KnownAddresses>,
    /// The interfaces of a capture that have observers: number and name.
    captured: Vec<(u32, Option<String>)>,
    /// Number of frames of further interfaces of a capture.
    pub(super) omitted: u64,
}

impl Observers {
    /// Creates the observers for these interfaces, or for a capture if there is none. Reads the known addresses and the
    /// vendor names.
    pub(super) fn open(
        arguments: &WatchArguments,
        interfaces: &[InterfaceName],
    ) -> Result<Observers, Failure> {
        let vendors = match &arguments.ouifile {
            Some(path) => Vendors::from_file(path)?,
            // Nothing names a vendor.
            None if arguments.quiet && arguments.exec.is_none() => Vendors::default(),
            None => Vendors::installed(),
        };
        let vendors = Rc::new(vendors);
        let is_one_of_several = interfaces.len() > 1;
        let observer = |interface: Option<&InterfaceName>| Observer {
            interface: interface.cloned(),
            is_one_of_several,
            vendors: Rc::clone(&vendors),
            ignored_stations: arguments.ignore.clone(),
            ..Observer::new(arguments.vlan)
        };
        let list = if interfaces.is_empty() {
            vec![observer(None)]
        } else {
            interfaces.iter().map(|name| observer(Some(name))).collect()
        };
        let known = arguments.known.as_deref().map(KnownAddresses::read).transpose()?;
        Ok(Observers {
            list,
            fail_on: arguments.fail_on.clone(),
            trigger: None,
            known,
            captured: Vec::new(),
            omitted: 0,
        })
    }

    /// Returns the place of the observer of an interface of a capture, or `None` for an interface after the first 16.
    pub(super) fn place(&mut self, interface: PacketInterface<'_>) -> Option<usize> {
        let PacketInterface { number, name, count } = interface;
        let is_same =
            |(other, other_name): &(u32, Option<String>)| (*other, other_name.as_deref()) == (number, name);
        if let Some(place) = self.captured.iter().position(is_same) {
            return Some(place);
        }
        let place = self.captured.len();
        if place >= MAX_INTERFACES {
            self.omitted = self.omitted.saturating_add(1);
            return None;
        }
        self.captured.push((number, name.map(str::to_owned)));
        if place > 0 {
            let first = self.list.first()?;
            let (vendors, ignored_stations) = (Rc::clone(&first.vendors), first.ignored_stations.clone());
            self.list.push(Observer { vendors, ignored_stations, ..Observer::new(first.vlan) });
        }
        if count > 1 || place > 0 {
            for (observer, (number, name)) in self.list.iter_mut().zip(&self.captured) {
                observer.is_one_of_several = true;
                // Names of other systems may be invalid.
                let name = name.as_ref().and_then(|name| name.parse().ok());
                observer.interface = name.or_else(|| format!("if{number}").parse().ok());
            }
        }
        Some(place)
    }

    /// Advances the time when no frame arrived.
    pub(super) fn advance(&mut self, now: Instant) {
        self.list.iter_mut().for_each(|observer| observer.advance(now));
    }

    /// Returns when [`advance`](Observers::advance) or [`save_known_if_due`](Observers::save_known_if_due) has something to
    /// do.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let silent = self.list.iter().filter_map(|observer| observer.census.deadline());
        silent.chain(self.known.as_ref().and_then(KnownAddresses::deadline)).min()
    }

    /// Returns the next event and its observer. A new address that is known already is no event.
    pub(super) fn take_event(&mut self) -> Option<(usize, CensusEvent)> {
        for (place, observer) in self.list.iter_mut().enumerate() {
            while let Some(event) = observer.census.take_event() {
                let event = match &mut self.known {
                    Some(known) => {
                        let (interface, is_one_of_several) =
                            (observer.interface.as_ref(), observer.is_one_of_several);
                        let origin = EventOrigin { interface, is_one_of_several };
                        let review = known.review(observer.now, origin, event);
                        observer.known_not_added =
                            observer.known_not_added.saturating_add(review.is_full.into());
                        review.event
                    }
                    None => Some(event),
                };
                let Some(event) = event else { continue };
                let fails = match event {
                    CensusEvent::Conflict { .. } => self.fail_on.contains(&FailOn::Conflict),
                    CensusEvent::New { .. } => self.fail_on.contains(&FailOn::New),
                    CensusEvent::Moved { .. } => self.fail_on.contains(&FailOn::Moved),
                    CensusEvent::Mismatch { .. } => self.fail_on.contains(&FailOn::Mismatch),
                    _ => false,
                };
                if fails && self.trigger.is_none() {
                    let message = ErrorMessage::new(text::event_message(event));
                    self.trigger = Some(match observer.label() {
                        Some(name) => message.context(name.to_string()),
                        None => message,
                    });
                }
                return Some((place, event));
            }
        }
        None
    }

    /// Writes the file of `--known`, so that a missing permission is reported at the start.
    pub(super) fn save_known(&mut self) -> Result<(), Failure> {
        let rejected = self.known.as_mut().map_or(Ok(Vec::new()), KnownAddresses::save)?;
        self.count_not_added(&rejected);
        Ok(())
    }

    /// Replaces the file of `--known` if that is due.
    pub(super) fn save_known_if_due(&mut self, now: Instant) -> Result<(), Failure> {
        let rejected = self.known.as_mut().map_or(Ok(Vec::new()), |known| known.save_if_due(now))?;
        self.count_not_added(&rejected);
        Ok(())
    }

    /// Counts addresses of these interfaces that were not added to the file of `--known`.
    fn count_not_added(&mut self, rejected: &[Option<String>]) {
        for interface in rejected {
            // Only a watch of one interface or a capture has addresses without an interface.
            let mut names =
                self.list.iter().map(|observer| observer.interface.as_ref().map(InterfaceName::as_str));
            let place = names.position(|name| name == interface.as_deref()).unwrap_or_default();
            if let Some(observer) = self.list.get_mut(place) {
                observer.known_not_added = observer.known_not_added.saturating_add(1);
            }
        }
    }
}

#[cfg(test)]
mod tests;
