//! Afdruk: what the logboek commits to instead of naming it, with what opens that again.

use super::{Call, Exchange};
use crate::{
    domain::{Bericht, Identiteit, Kenmerk, Persoon, persoon::Pseudoniemen},
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
        let pseudoniem = self.keys.sealing().medewerker(&identiteit.oin, medewerker);
        self.committed(medewerker.as_bytes(), Some(medewerker), vec![(None, pseudoniem)])
    }

    /// What somebody of toezicht looked at: the id of a bericht, or the number of a dossier.
    pub(super) fn bekeken(&self, what: &str) -> Committed {
        self.committed(what.as_bytes(), Some(what), Vec::new())
    }

    /// A reason that was given.
    pub(super) fn reden(&self, reden: &str) -> Committed {
        self.committed(reden.as_bytes(), Some(reden), Vec::new())
    }

    /// The people that a bericht is about: by what each can be found, and what the logboek commits to.
    pub(super) fn betrokkenen(&self, bericht: &Bericht) -> (Vec<Pseudoniemen>, Vec<Committed>) {
        let personen = bericht.feiten.personen.iter().map(|persoon| Pseudoniemen {
            hoofdpersoon: persoon.hoofdpersoon,
            kenmerken: self.keyed(persoon.alle_kenmerken()),
        });
        let personen: Vec<Pseudoniemen> = personen.collect();
        let nobody = Pseudoniemen { hoofdpersoon: false, kenmerken: Vec::new() };
        let of = |at: usize| personen.get(at).unwrap_or(&nobody);
        let betrokkenen = bericht.betrokkenen.iter().enumerate().map(|(at, value)| self.betrokkene(value, of(at)));
        let betrokkenen = betrokkenen.collect();
        (personen, betrokkenen)
    }

    /// A person that somebody looks for.
    #[must_use]
    pub fn gezocht(&self, persoon: &Persoon) -> Committed {
        self.gezocht_op(persoon.kenmerken())
    }

    /// A person that somebody looks for by these marks.
    pub(super) fn gezocht_op(&self, marks: Vec<(Kenmerk, String)>) -> Committed {
        let texts: Vec<String> = marks.iter().map(|(_, text)| text.clone()).collect();
        let of = Pseudoniemen { hoofdpersoon: false, kenmerken: self.keyed(marks) };
        self.betrokkene(texts.join("\n").as_bytes(), &of)
    }

    /// Who asks a contactpunt for inzage. What was asked is kept with it, or not.
    pub(super) fn vrager(&self, verzoek: &str, kenmerken: &[(Kenmerk, [u8; 32])], is_kept: bool) -> Committed {
        let pseudoniemen = kenmerken.iter().map(|(kenmerk, pseudoniem)| (Some(*kenmerk), *pseudoniem)).collect();
        self.committed(verzoek.as_bytes(), Some(verzoek).filter(|_| is_kept), pseudoniemen)
    }

    /// What a partner decided in a dossier of inzage.
    pub(super) fn besluit(&self, besluit: &str) -> Committed {
        self.committed(besluit.as_bytes(), Some(besluit), Vec::new())
    }

    /// Marks of a person as the store knows them.
    pub(super) fn keyed(&self, marks: impl IntoIterator<Item = (Kenmerk, String)>) -> Vec<(Kenmerk, [u8; 32])> {
        marks.into_iter().map(|(kenmerk, text)| (kenmerk, self.keys.sealing().pseudoniem(kenmerk, &text))).collect()
    }

    /// A person concerned. What is committed to is not kept: it stands in the content, or nowhere.
    fn betrokkene(&self, value: &[u8], of: &Pseudoniemen) -> Committed {
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
