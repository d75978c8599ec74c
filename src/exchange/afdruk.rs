//! Afdruk: what the logboek commits to instead of naming it, with what opens that again.

use super::{Call, Exchange};
use crate::{
    domain::{Identiteit, Kenmerk, persoon::Pseudoniemen},
    sleutels::CommitmentOpening,
    store::{Actor, Committed},
};

impl Exchange {
    /// Who does something, and which employee.
    pub(super) fn actor(&self, call: &Call, medewerker: Option<&str>) -> Actor {
        let identiteit = call.identiteit().clone();
        let medewerker = medewerker.map(|medewerker| self.medewerker(&identiteit, medewerker));
        Actor { identiteit, trace: Some(call.trace.clone()), medewerker, reden: None }
    }

    /// An employee of the organisation of this identity.
    pub(super) fn medewerker(&self, identiteit: &Identiteit, medewerker: &str) -> Committed {
        let pseudoniem = self.keys.medewerker(&identiteit.oin, medewerker);
        self.committed(medewerker.as_bytes(), Some(medewerker), vec![(None, pseudoniem)])
    }

    /// A reason that was given.
    pub(super) fn reden(&self, reden: &str) -> Committed {
        self.committed(reden.as_bytes(), Some(reden), Vec::new())
    }

    /// A person concerned. What is committed to is not kept: it stands in the content, or nowhere.
    pub(super) fn betrokkene(&self, value: &[u8], of: &Pseudoniemen) -> Committed {
        let pseudoniemen = of.kenmerken.iter().map(|(kenmerk, pseudoniem)| (Some(*kenmerk), *pseudoniem)).collect();
        let mut committed = self.committed(value, None, pseudoniemen);
        committed.opening.hoofdpersoon = of.hoofdpersoon;
        committed
    }

    fn committed(
        &self,
        value: &[u8],
        tekst: Option<&str>,
        pseudoniemen: Vec<(Option<Kenmerk>, [u8; 32])>,
    ) -> Committed {
        let mut zout = [0; 32];
        self.rng.fill(&mut zout);
        Committed::to(
            value,
            CommitmentOpening { zout, hoofdpersoon: false, pseudoniemen, tekst: tekst.map(str::to_owned) },
        )
    }
}
