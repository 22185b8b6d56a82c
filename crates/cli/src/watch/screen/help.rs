//! What `?` shows.

/// All of it: no line is longer than 78, and there are 20 at most.
pub(super) const LINES: [&str; 18] = [
    "q, Esc, Ctrl-C  quit                   s          sort: address, last, packets",
    "arrows, j, k    scroll by one          p, space   pause: what is shown stays",
    "PgUp, PgDn      scroll by a screen     g, G       first, last",
    "",
    "fresh      ARP was heard from it in the last 5 minutes",
    "quiet      not for 5 minutes: it may be there and have nothing to ask",
    "gone       not for an hour",
    "/s         packets a second over the last ten",
    "",
    "new        an address is heard for the first time",
    "moved      it has another hardware address: a failover, another card",
    "conflict   two hardware addresses claim it: both answered one request, it",
    "           came back within a second, or moved three times within minutes",
    "probe      somebody asks whether it is free before using it (RFC 5227)",
    "announced  somebody tells all that an address is its own",
    "mismatch   the packet names another sender than its frame does",
    "odd        the packet claims what nobody can mean",
    "many       one station has many addresses; flood: too many packets",
];
