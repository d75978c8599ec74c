//! Wijzigingen (changes): what changed of what is in force, in sentences, with who changed it and why.

use std::collections::BTreeMap;

use jiff::Timestamp;
use tokio::task::spawn_blocking;

use super::{super::oog::Oog, Afdeling, Tabel, lezing::Gebeurtenis, moment, of_none};
use crate::{
    documenten::{Bron, Omgeving, hash, parse},
    domain::{Geladen, Historie, VanKracht, Weigering, houdbaarheid::amsterdam_date, verschil::verschil},
    exchange::unavailable,
    logboek::Soort,
    store::reading::documenten::before,
};

/// Changes that are told in sentences, and sentences of one change, at most.
const MOST_TOLD: usize = 50;
const MOST_SENTENCES: usize = 200;

/// Documents that were changed by one call.
struct Wijziging {
    /// The indexes of its first and its last regel.
    first: u64,
    last: u64,
    trace: Option<String>,
    tijd: Timestamp,
    documenten: Vec<String>,
    voorstel: Option<u64>,
    who: Dader,
}

/// Who did something, and why.
#[derive(Clone)]
struct Dader {
    wie: String,
    rol: String,
    medewerker: String,
    reden: String,
}

impl Dader {
    fn of(regel: &Gebeurtenis) -> Self {
        let reden = match (&regel.reden, &regel.regel.rol) {
            (Some(reden), _) => reden.clone(),
            (None, Some(_)) => "-".to_owned(),
            (None, None) => "de eerste start: uit de bestanden van de poort".to_owned(),
        };
        Self {
            wie: of_none(regel.getoond.actor.as_ref()),
            rol: of_none(regel.regel.rol.as_ref()),
            medewerker: of_none(regel.medewerker.as_ref()),
            reden,
        }
    }
}

#[derive(Default)]
pub(super) struct Wijzigingen {
    changes: Vec<Wijziging>,
    /// Who proposed what, by the number of the proposal.
    proposed: BTreeMap<u64, Dader>,
    /// What happened to proposals.
    steps: Vec<Vec<String>>,
}

impl Wijzigingen {
    pub(super) fn take(&mut self, regel: &Gebeurtenis) {
        let of = &regel.regel;
        if matches!(of.soort, Soort::Voorgesteld | Soort::Bekrachtigd) {
            self.step(regel);
        }
        if !matches!(of.soort, Soort::ConvenantGewijzigd | Soort::PartnerGewijzigd) {
            return;
        }
        let (index, document) = (regel.getoond.log_index, of_none(of.document.as_ref()));
        // The regels of one change follow each other.
        if let Some(last) = self.changes.last_mut().filter(|last| last.last + 1 == index && last.trace == of.trace) {
            last.last = index;
            last.documenten.push(document);
            return;
        }
        // What the gateway carried out was proposed by somebody.
        let who = match of.voorstel {
            Some(nummer) => self.proposed.get(&nummer).cloned().unwrap_or_else(|| Dader {
                reden: format!("voorstel {nummer}, van voor deze periode"),
                ..Dader::of(regel)
            }),
            None => Dader::of(regel),
        };
        self.changes.push(Wijziging {
            first: index,
            last: index,
            trace: of.trace.clone(),
            tijd: regel.tijd,
            documenten: vec![document],
            voorstel: of.voorstel,
            who,
        });
    }

    fn step(&mut self, regel: &Gebeurtenis) {
        let (of, index) = (&regel.regel, regel.getoond.log_index);
        let nummer = of.voorstel.unwrap_or(index);
        let who = Dader::of(regel);
        if of.soort == Soort::Voorgesteld && of.uitkomst.is_none() {
            self.proposed.insert(nummer, who.clone());
        }
        let what = of.uitkomst.as_deref().unwrap_or(of.soort.as_str());
        let document = of_none(of.document.as_ref());
        let Dader { wie, rol, medewerker, reden } = who;
        let when = moment(regel.tijd);
        self.steps.push(vec![nummer.to_string(), when, what.to_owned(), document, wie, rol, medewerker, reden]);
    }
}

/// Texts that were in force together, with when each was loaded.
type Texts = Vec<(Geladen, String)>;

/// What was in force by these texts; nothing where they cannot be read by the rules of today.
fn van_kracht(texts: Texts, omgeving: &Omgeving) -> Option<VanKracht> {
    if texts.is_empty() {
        return Some(VanKracht::default());
    }
    let loaded: BTreeMap<String, Geladen> = texts.iter().map(|(geladen, tekst)| (hash(tekst), *geladen)).collect();
    let bronnen = texts.into_iter().map(|(_, tekst)| Bron { herkomst: "van kracht".into(), tekst });
    let bronnen: Vec<Bron> = bronnen.collect();
    let van_kracht = parse(&bronnen, omgeving).ok()?.van_kracht(0, omgeving);
    let of = |convenant: &crate::domain::Convenant| {
        let geladen = *loaded.get(&convenant.hash)?;
        Some((convenant.naam.clone(), Historie { geladen, eerder: Vec::new() }))
    };
    let historie = van_kracht.convenanten().iter().filter_map(of).collect();
    Some(van_kracht.with_history(historie))
}

/// What a change meant, in sentences.
fn sentences(before: Texts, after: Texts, omgeving: &Omgeving, tijd: Timestamp) -> Vec<String> {
    let both = van_kracht(before, omgeving).zip(van_kracht(after, omgeving));
    let Some((before, after)) = both else {
        return vec!["Deze teksten zijn met de regels van nu niet meer te lezen.".to_owned()];
    };
    let after = after.loaded_after(&before, tijd);
    let mut zinnen = verschil(&before, &after, amsterdam_date(tijd));
    let more = zinnen.len().saturating_sub(MOST_SENTENCES);
    zinnen.truncate(MOST_SENTENCES);
    if more > 0 {
        zinnen.push(format!("En nog {more}."));
    }
    if zinnen.is_empty() {
        zinnen.push("Voor wie mag uitwisselen verandert er niets.".to_owned());
    }
    zinnen
}

impl Oog<'_> {
    /// The section on what changed of what is in force.
    pub(super) async fn wijzigingen(
        &self,
        Wijzigingen { changes: wijzigingen, steps, .. }: Wijzigingen,
        omgeving: &Omgeving,
    ) -> Result<Afdeling, Weigering> {
        let many = wijzigingen.len();
        let mut zinnen = vec![format!(
            "Wijzigingen van wat van kracht is (deelnemers en convenanten): {many}. De reden is hier geopend; het logboek zelf heeft er alleen \
             een afdruk van."
        )];
        if many > MOST_TOLD {
            zinnen.push(format!("Van de laatste {} staat hier niet wat zij betekenden.", many - MOST_TOLD));
        }
        let mut told = Vec::new();
        for wijziging in wijzigingen.iter().take(MOST_TOLD) {
            let texts = async |index: u64| before(self.read, index).await.map_err(unavailable);
            let (old, new) = (texts(wijziging.first).await?, texts(wijziging.last + 1).await?);
            let (omgeving, tijd) = (omgeving.clone(), wijziging.tijd);
            // Large texts take long to read: not on the threads that answer calls.
            let said = spawn_blocking(move || sentences(old, new, &omgeving, tijd)).await.map_err(unavailable)?;
            told.extend(said.into_iter().map(|zin| vec![wijziging.first.to_string(), zin]));
        }
        let rows = wijzigingen.into_iter().map(|of| {
            let documenten = of.documenten.join(", ");
            let Dader { wie, rol, medewerker, reden } = of.who;
            vec![of.first.to_string(), moment(of.tijd), documenten, wie, rol, medewerker, of_none(of.voorstel), reden]
        });
        let tabellen = vec![
            Tabel::new(
                ("wijzigingen", "Wijzigingen"),
                &["logregel", "wanneer", "document", "wie", "rol", "medewerker", "voorstel", "reden"],
                rows,
            ),
            Tabel::new(
                ("voorstellen", "Voorgesteld, bekrachtigd en ingetrokken"),
                &["voorstel", "wanneer", "wat", "document", "wie", "rol", "medewerker", "reden"],
                steps,
            ),
            Tabel::new(("wijzigingen_betekenis", "Wat zij betekenden"), &["logregel", "zin"], told),
        ];
        Ok(Afdeling { naam: "wijzigingen", titel: "Wat er van kracht werd", zinnen, tabellen })
    }
}
