//! What a partner may see of berichten, whatever the store keeps of them.

use jiff::Timestamp;

use crate::{
    domain::{Adres, BerichtId, Berichtsoort, Correctie, Kenmerk, Ontvanger, Stempel, Toestand, Vernietiging},
    logboek::{Logregel, TlogProof},
    sleutels::Opened,
    store::PostvakRij,
};

/// A bericht for one ontvanger.
#[derive(Clone, Debug)]
pub struct BerichtView {
    /// The bericht.
    pub bericht: BerichtId,
    /// Its thread.
    pub gesprek: BerichtId,
    /// Its kind.
    pub soort: Berichtsoort,
    /// Who sent it.
    pub afzender: Adres,
    /// Who gets it.
    pub ontvanger: Adres,
    /// The stamp.
    pub stempel: Stempel,
    /// When it was accepted.
    pub tijd: Timestamp,
    /// What it answers.
    pub in_antwoord_op: Option<BerichtId>,
    /// What it replaced.
    pub vervangt: Option<BerichtId>,
    /// Index of its regel `aanvaard`.
    pub log_index: u64,
}

impl From<PostvakRij> for BerichtView {
    fn from(rij: PostvakRij) -> Self {
        let Ontvanger { adres, stempel, oin: _ } = rij.ontvanger;
        Self {
            bericht: rij.bericht,
            gesprek: rij.gesprek,
            soort: rij.soort,
            afzender: rij.afzender,
            ontvanger: adres,
            stempel,
            tijd: rij.tijd,
            in_antwoord_op: rij.in_antwoord_op,
            vervangt: rij.vervangt,
            log_index: rij.log_index,
        }
    }
}

/// A bericht that is handed out, opened.
pub struct Handed {
    /// The bericht for this ontvanger.
    pub bericht: BerichtView,
    /// Which attempt at delivery this is; 0 when it was read without one.
    pub poging: u32,
    /// Content and its salt.
    pub opened: Opened,
    /// What its afzender corrected since.
    pub correcties: Vec<Correctie>,
}

/// Where a bericht stands, as far as the caller may see.
pub struct StatusView {
    /// The bericht.
    pub bericht: BerichtId,
    /// Its thread.
    pub gesprek: BerichtId,
    /// Its kind.
    pub soort: Berichtsoort,
    /// Who sent it.
    pub afzender: Adres,
    /// When it was accepted.
    pub tijd: Timestamp,
    /// What it answers.
    pub in_antwoord_op: Option<BerichtId>,
    /// Where it stands for each ontvanger.
    pub ontvangers: Vec<StandsAt>,
    /// What it replaced.
    pub vervangt: Option<BerichtId>,
    /// What replaced it.
    pub vervangen_door: Option<BerichtId>,
    /// What its afzender corrected since.
    pub correcties: Vec<Correctie>,
    /// Each bericht of its thread that the caller may see.
    pub gesprek_berichten: Vec<InGesprek>,
    /// What happened to it, oldest first.
    pub tijdlijn: Vec<Gebeurtenis>,
    /// From which index of the logboek there may be more of that.
    pub tijdlijn_verder: Option<u64>,
    /// Before which index of the logboek there may be older berichten in its thread.
    pub gesprek_verder: Option<u64>,
}

/// Where a bericht stands for one ontvanger.
pub struct StandsAt {
    /// Who.
    pub ontvanger: Adres,
    /// Where it stands.
    pub toestand: Toestand,
    /// The stamp.
    pub stempel: Stempel,
    /// Index of its regel `aanvaard`.
    pub log_index: u64,
    /// How often it was handed out.
    pub poging: u32,
    /// The proof of that regel to the newest checkpoint of its logboek.
    pub bewijs: TlogProof,
    /// Of a scenario: since when it is consulted and waits for a terugkoppeling.
    pub terugkoppeling_open: Option<Timestamp>,
    /// What its ontvanger did with its copy after a vernietigingsverzoek.
    pub vernietiging: Option<Vernietiging>,
}

impl StandsAt {
    pub(super) fn new(rij: PostvakRij, bewijs: TlogProof) -> Self {
        let Ontvanger { adres, stempel, oin: _ } = rij.ontvanger;
        Self {
            ontvanger: adres,
            toestand: rij.toestand,
            stempel,
            log_index: rij.log_index,
            poging: rij.poging,
            bewijs,
            terugkoppeling_open: rij.terugkoppeling_open,
            vernietiging: rij.vernietiging,
        }
    }
}

/// A bericht of a thread.
pub struct InGesprek {
    /// The bericht.
    pub bericht: BerichtId,
    /// Its kind.
    pub soort: Berichtsoort,
    /// Who sent it.
    pub afzender: Adres,
    /// Those of its ontvangers that the caller may see.
    pub ontvangers: Vec<Adres>,
    /// When it was accepted.
    pub tijd: Timestamp,
    /// What it answers.
    pub in_antwoord_op: Option<BerichtId>,
    /// What it replaced.
    pub vervangt: Option<BerichtId>,
}

impl InGesprek {
    /// Of the rows of one bericht.
    pub(super) fn of(rijen: &[PostvakRij]) -> Option<Self> {
        let first = rijen.first()?;
        Some(Self {
            bericht: first.bericht,
            soort: first.soort,
            afzender: first.afzender.clone(),
            ontvangers: rijen.iter().map(|rij| rij.ontvanger.adres.clone()).collect(),
            tijd: first.tijd,
            in_antwoord_op: first.in_antwoord_op,
            vervangt: first.vervangt,
        })
    }
}

/// Something that happened to a bericht.
pub struct Gebeurtenis {
    /// Index of its regel.
    pub log_index: u64,
    /// For which ontvanger.
    pub ontvanger: Adres,
    /// The regel.
    pub regel: Logregel,
}

/// A scenario that was found.
pub struct GevondenScenario {
    /// The scenario for the loket where it lies.
    pub bericht: BerichtView,
    /// By what the person was recognised.
    pub kenmerk: Kenmerk,
    /// Whether the scenario is about this person first.
    pub hoofdpersoon: bool,
    /// Whether its content no longer opens: its afzender knows, and can be asked.
    pub beschadigd: bool,
    /// What its afzender corrected since.
    pub correcties: Vec<Correctie>,
}

/// A consulted scenario that waits for a terugkoppeling.
pub struct OpenTerugkoppeling {
    /// The scenario.
    pub bericht: BerichtId,
    /// Who consulted it.
    pub ontvanger: Adres,
    /// Since when.
    pub sinds: Timestamp,
}

/// A bericht that was withdrawn.
pub struct Ingetrokken {
    /// What that did for each ontvanger, in the order sent.
    pub ontvangers: Vec<IngetrokkenAt>,
    /// The vernietigingsverzoek that was sent now.
    pub vernietigingsverzoek: Option<BerichtId>,
}

/// A bericht that was withdrawn, for one ontvanger.
pub struct IngetrokkenAt {
    /// Who.
    pub ontvanger: Adres,
    /// What the withdrawal did.
    pub uitkomst: Uitkomst,
    /// Index of the regel that says so, or that ended it before.
    pub log_index: u64,
}

/// What a withdrawal did for one ontvanger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Uitkomst {
    /// It was not delivered, and never will be.
    Ingetrokken,
    /// It was delivered: its ontvanger is asked to destroy its copy.
    VernietigingGevraagd,
    /// It was delivered, and its ontvanger is no deelnemer any more: nobody is asked.
    NietBereikbaar,
    /// It had lapsed, or was replaced or damaged, before it was delivered.
    WasBeeindigd,
}
