//! Voorrang (precedence): which of several convenanten stamps a bericht that all of them allow.
//!
//! The senior one: the name whose successive versions have allowed this exchange longest without a gap. A version allows it from
//! the later of its load and the start of its term (and of its grondslag's), until it was replaced or withdrawn or its term ended.
//! So a `geldig_van` in the past gives nothing, a new version keeps what the one before it had, and a withdrawal or a version
//! without the exchange loses it. Of two that began in the same moment, the one stamps that does not stand behind the other
//! (`staat_achter`); else the one whose regel comes first in the logboek.
//!
//! Mandaten do not count in the past: they are no part of the convenant. A convenant that leaves a choice of grondslag allows the
//! exchange too: a sender that makes no choice is told to make one, and does not get the stamp of a convenant that came later.

use jiff::Timestamp;

use super::{
    Convenant, VanKracht,
    houdbaarheid::{start_of, unreadable_from},
    vraag::Vraag,
};

/// When a version was put in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Geladen {
    /// `tijd` of its logregel.
    pub tijd: Timestamp,
    /// Index of its logregel: of versions that were loaded together the order.
    pub log_index: u64,
}

/// A version that was in force and was replaced.
#[derive(Clone, Debug)]
pub struct Versie {
    /// When it was loaded.
    pub geladen: Geladen,
    /// When the next version was loaded.
    pub tot: Timestamp,
    /// What it said, as far as it can be read today.
    pub convenant: Convenant,
}

/// How a convenant in force came to be what it is.
#[derive(Clone, Debug)]
pub struct Historie {
    /// When the version in force was loaded.
    pub geladen: Geladen,
    /// The versions before it, back to the last withdrawal.
    pub eerder: Vec<Versie>,
}

impl VanKracht {
    /// Which of these convenanten, each of which allows what is asked, speaks for it: its place among them.
    pub(super) fn senior(&self, vraag: &Vraag<'_>, among: impl Iterator<Item = usize>) -> usize {
        let mut periods: Vec<(usize, usize, (Timestamp, u64))> =
            among.enumerate().map(|(place, at)| (place, at, self.since(vraag, at))).collect();
        let first = periods.iter().map(|(_, _, (since, _))| *since).min().expect("several convenanten allow it");
        periods.retain(|(_, _, (since, _))| *since == first);
        let behind = |at: usize| {
            let behind = &self.convenanten()[at].staat_achter;
            periods.iter().any(|(_, other, _)| *other != at && behind.contains(&self.convenanten()[*other].naam))
        };
        // `documenten` refuses a circle. If there were one, all of them would stand behind another, and the logboek decides.
        let in_front = periods.iter().filter(|(_, at, _)| !behind(*at)).min_by_key(|(_, at, (_, index))| (*index, *at));
        let all = || periods.iter().min_by_key(|(_, at, (_, index))| (*index, *at));
        in_front.or_else(all).expect("one of them began first").0
    }

    /// Since when a convenant that allows this now has allowed it without a gap, and the logregel of the version in which that
    /// began.
    pub(super) fn since(&self, vraag: &Vraag<'_>, at: usize) -> (Timestamp, u64) {
        let Historie { geladen, eerder } = &self.historie()[at];
        let earlier = eerder.iter().flat_map(|Versie { geladen, tot, convenant }| {
            convenant.regels.iter().map(move |regel| (geladen, *tot, convenant, regel))
        });
        let now = self.regels(vraag.soort, vraag.van, vraag.naar).filter(|(of, ..)| *of == at);
        let now = now.map(|(_, convenant, regel)| (geladen, Timestamp::MAX, convenant, regel));
        let mut periods: Vec<(Timestamp, Timestamp, u64)> = Vec::new();
        for (geladen, tot, convenant, regel) in earlier.chain(now) {
            for (van, tot_en_met) in vraag.terms_in(convenant, regel, self.productie()) {
                let (begin, end) = (geladen.tijd.max(start_of(van)), tot.min(unreadable_from(tot_en_met)));
                if begin < end && begin <= vraag.now {
                    periods.push((end, begin, geladen.log_index));
                }
            }
        }
        // Back from now, by where each ends: one that ends before the others begin leaves a gap, and so do all after it.
        periods.sort_unstable_by(|one, other| other.cmp(one));
        let mut since = (vraag.now, geladen.log_index);
        for (end, begin, log_index) in periods {
            if end < since.0 {
                break;
            }
            if begin < since.0 || (begin == since.0 && log_index < since.1) {
                since = (begin, log_index);
            }
        }
        since
    }
}
