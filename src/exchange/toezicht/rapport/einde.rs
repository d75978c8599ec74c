//! Einde (end): what ended and why, what was corrected or asked to be destroyed, and what is kept where now.

use std::collections::{BTreeMap, HashSet};

use super::{
    super::oog::Oog,
    Afdeling, Tabel, Tellen,
    lezing::{Gebeurtenis, partner},
    of_none,
    openstaand::MOST_OPEN,
};
use crate::{
    domain::{BerichtId, Berichtsoort, Weigering},
    exchange::unavailable,
    logboek::Soort,
    store::reading::rapport::{Bewaard, betwist, bewaard, zonder_vernietiging},
};

#[derive(Default)]
pub(super) struct Einde {
    /// By what ended, why, and the kind of bericht.
    ended: Tellen<(&'static str, String, String)>,
    /// What ended, so that nothing ends twice.
    gone: HashSet<(BerichtId, String)>,
    /// By afzender and ontvanger.
    rectificaties: Tellen<(String, String)>,
    rectified: Vec<BerichtId>,
    /// What was asked, by whom of whom, and why.
    asked: BTreeMap<(BerichtId, String), (String, String, String)>,
    /// What was answered: done, or why not; the newest word counts.
    answered: BTreeMap<(BerichtId, String), (String, String, String)>,
}

impl Einde {
    pub(super) fn take(&mut self, regel: &Gebeurtenis) {
        let of = &regel.regel;
        let between = || (of_none(regel.getoond.afzender.as_ref()), of_none(regel.getoond.ontvanger.as_ref()));
        match of.soort {
            Soort::Vervallen | Soort::Vernietigd | Soort::Ingetrokken | Soort::Beschadigd => {
                self.end(regel, of.soort.as_str());
            }
            Soort::Aanvaard if of.berichtsoort.as_deref() == Some(Berichtsoort::Rectificatie.as_str()) => {
                let (van, naar) = between();
                self.rectificaties.add((van, naar), 1);
                self.rectified.extend(regel.bericht());
            }
            Soort::VernietigingGevraagd => {
                self.end(regel, "ingetrokken na ontvangst");
                let (van, naar) = between();
                // Asked again, it is one request, for the newest reason.
                if let Some(at) = regel.at() {
                    self.asked.insert(at, (van, naar, of_none(of.weigering.as_ref())));
                }
            }
            Soort::VernietigingBevestigd => {
                let (van, naar) = between();
                let outcome =
                    of.weigering.clone().map_or_else(|| "vernietigd".to_owned(), |why| format!("bewaard: {why}"));
                if let Some(at) = regel.at() {
                    self.answered.insert(at, (van, naar, outcome));
                }
            }
            _ => {}
        }
    }

    fn end(&mut self, regel: &Gebeurtenis, wat: &'static str) {
        if regel.at().is_some_and(|at| self.gone.insert(at)) {
            let of = &regel.regel;
            let why = of.oorzaak.clone().or_else(|| of.weigering.clone());
            self.ended.add((wat, of_none(why), of_none(of.berichtsoort.as_ref())), 1);
        }
    }

    fn ended(&self) -> (Vec<String>, Tabel) {
        let zinnen = vec![format!(
            "Aanvaardingen waarvan de inhoud eindigde: {}. De poort geeft die inhoud aan niemand meer.",
            self.ended.sum()
        )];
        let rows =
            self.ended.sorted().into_iter().map(|((wat, why, soort), aantal)| {
                vec![(*wat).to_owned(), why.clone(), soort.clone(), aantal.to_string()]
            });
        (zinnen, Tabel::new(("einde", "Wat eindigde"), &["wat", "oorzaak", "berichtsoort", "aantal"], rows))
    }

    fn rights(&self, rectified: usize, disputed: u64, waiting: Tabel) -> Afdeling {
        let rows = |of: &Tellen<(String, String, String)>| {
            let row = |((van, naar, wat), aantal): (&(String, String, String), u64)| {
                vec![van.clone(), naar.clone(), wat.clone(), aantal.to_string()]
            };
            of.sorted().into_iter().map(row).collect::<Vec<_>>()
        };
        let corrected = self.rectificaties.sorted().into_iter();
        let corrected = corrected.map(|((van, naar), aantal)| vec![van.clone(), naar.clone(), aantal.to_string()]);
        let counted = |of: &BTreeMap<(BerichtId, String), (String, String, String)>| {
            let mut counted: Tellen<(String, String, String)> = Tellen::default();
            for row in of.values() {
                counted.add(row.clone(), 1);
            }
            counted
        };
        let (asked, answered) = (counted(&self.asked), counted(&self.answered));
        let silent = self.asked.keys().filter(|at| !self.answered.contains_key(*at)).count();
        let zinnen = vec![format!(
            "Rectificaties: {rectified}; daarvan betwist door de betrokkene: {disputed}. Verzoeken aan een ontvanger om te vernietigen: {}; \
                 daarvan in de periode niet beantwoord: {}. Wie bewaart, zegt waarom.",
            self.asked.len(),
            silent,
        )];
        let tabellen = vec![
            Tabel::new(("rectificaties", "Rectificaties"), &["afzender", "ontvanger", "aantal"], corrected),
            Tabel::new(
                ("vernietiging_gevraagd", "Om vernietiging gevraagd"),
                &["afzender", "ontvanger", "reden van intrekking", "aantal"],
                rows(&asked),
            ),
            Tabel::new(
                ("vernietiging_beantwoord", "Daarop geantwoord"),
                &["afzender", "ontvanger", "uitkomst", "aantal"],
                rows(&answered),
            ),
            waiting,
        ];
        Afdeling { naam: "rechten", titel: "Rectificatie, betwisting en vernietiging", zinnen, tabellen }
    }
}

impl Oog<'_> {
    /// The sections on what ended, and on rights.
    pub(super) async fn einde(&self, einde: &Einde) -> Result<[Afdeling; 2], Weigering> {
        let mut rectified = einde.rectified.clone();
        rectified.dedup();
        let disputed = betwist(self.read, &rectified).await.map_err(unavailable)?;
        let kept = bewaard(self.read).await.map_err(unavailable)?;
        let kept = kept.into_iter().filter(|of| self.sees_pair(partner(&of.afzender), &of.ontvanger.0));
        let kept: Vec<Bewaard> = kept.collect();
        let total: u64 = kept.iter().map(|of| of.aantal).sum();
        let rows = kept.into_iter().map(|Bewaard { afzender, ontvanger: (partner, loket), aantal, laatste_dag }| {
            vec![afzender, format!("{partner}/{loket}"), aantal.to_string(), laatste_dag]
        });
        let (mut zinnen, ended) = einde.ended();
        zinnen.extend([
            format!(
                "De stand van nu, niet die van de periode: van {total} aanvaardingen bewaart de poort de inhoud nog, verzegeld, tot de dag die \
                 de tabel noemt."
            ),
            "Ook bewaart zij de logregels, wat hun afdrukken opent, en pseudoniemen waarop iemand is te vinden. Een einddatum daarvoor \
             staat nog nergens: zij blijven tot beheer ze wist."
                .to_owned(),
            "De sleutel van een dag wordt nog niet vernietigd: wie de sleutelmap en een oude reservekopie heeft, kan inhoud van toen nog \
             openen."
                .to_owned(),
        ]);
        let tabellen = vec![
            ended,
            Tabel::new(
                ("bewaard", "Waar nu nog inhoud staat"),
                &["afzender", "ontvanger", "aantal", "laatste dag"],
                rows,
            ),
        ];
        let first = Afdeling { naam: "einde", titel: "Wat eindigde, en wat blijft", zinnen, tabellen };
        let waiting = self.wacht_op_vernietiging().await?;
        Ok([first, einde.rights(rectified.len(), disputed, waiting)])
    }

    /// What was asked to be destroyed, whenever that was, and is not answered now.
    async fn wacht_op_vernietiging(&self) -> Result<Tabel, Weigering> {
        let open = zonder_vernietiging(self.read, MOST_OPEN).await.map_err(unavailable)?;
        let seen = open.into_iter().filter(|(_, from, (to, _))| self.sees_pair(from, to));
        Ok(Tabel::new(
            ("vernietiging_zonder_antwoord", "Om vernietiging gevraagd en nog geen antwoord, nu"),
            &["bericht", "afzender", "ontvanger"],
            seen.map(|(bericht, from, (partner, loket))| vec![bericht.to_string(), from, format!("{partner}/{loket}")]),
        ))
    }
}
