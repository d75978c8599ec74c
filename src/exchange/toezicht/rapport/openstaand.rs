//! Openstaand (left open): what was not collected, not confirmed or not answered by the end of the period, and what waits for a
//! terugkoppeling now.

use std::collections::BTreeMap;

use jiff::{Timestamp, civil::Date};

use super::{
    super::oog::Oog,
    Afdeling, Periode, Stuk, Tabel,
    lezing::{Gebeurtenis, partner},
    moment,
};
use crate::{
    domain::{BerichtId, Berichtsoort, Weigering},
    exchange::unavailable,
    logboek::Soort,
    store::reading::rapport::{Ongelezen, ZonderTerugkoppeling, ongelezen_vervallen, zonder_terugkoppeling},
};

/// Rows of the database that are looked through.
pub(super) const MOST_OPEN: u32 = 10_000;

/// What became of a bericht for one ontvanger.
struct Stand {
    berichtsoort: String,
    afzender: String,
    sinds: Timestamp,
    /// The last day of its content: after it no answer comes.
    tot_en_met: Option<Date>,
    waar: Waar,
}

impl Stand {
    fn could_be_answered(&self, on: Date) -> bool {
        self.tot_en_met.is_none_or(|last| last >= on)
    }

    fn is_from_gateway(&self) -> bool {
        self.berichtsoort.parse::<Berichtsoort>().is_ok_and(Berichtsoort::from_gateway)
    }
}

/// How far a bericht came.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Waar {
    /// Nobody took it.
    Wacht,
    /// It was handed out, or read.
    Gelezen,
    /// It was held back when it was to be handed out.
    Tegengehouden,
}

#[derive(Default)]
pub(super) struct Openstaand {
    /// What was accepted, in the period or before it, and neither confirmed nor ended.
    open: BTreeMap<(BerichtId, String), Stand>,
    /// What awaits an answer and was accepted in the period or could be answered in it, and was not answered.
    unanswered: BTreeMap<(BerichtId, String), Stand>,
}

impl Openstaand {
    pub(super) fn take(&mut self, regel: &Gebeurtenis) {
        let Some(at) = regel.at() else { return };
        match regel.regel.soort {
            Soort::Aanvaard => self.accepted(regel, at),
            Soort::Afgeleverd | Soort::Geraadpleegd => self.comes_to(&at, Waar::Gelezen),
            Soort::Geweigerd if regel.is_refused_at_delivery() => self.comes_to(&at, Waar::Tegengehouden),
            // Who takes something back waits for nothing any more.
            Soort::Ingetrokken | Soort::VernietigingGevraagd => {
                self.open.remove(&at);
                self.unanswered.remove(&at);
            }
            Soort::Bevestigd | Soort::Vervallen | Soort::Beschadigd | Soort::Vernietigd => drop(self.open.remove(&at)),
            _ => {}
        }
    }

    /// Somebody (partner and loket) answered a verzoek, before the period.
    pub(super) fn answered(&mut self, verzoek: BerichtId, door: String) {
        self.unanswered.remove(&(verzoek, door));
    }

    fn comes_to(&mut self, at: &(BerichtId, String), waar: Waar) {
        if let Some(stand) = self.open.get_mut(at) {
            stand.waar = waar;
        }
    }

    fn accepted(&mut self, regel: &Gebeurtenis, at: (BerichtId, String)) {
        let (Some(soort), Some(afzender)) = (&regel.regel.berichtsoort, &regel.getoond.afzender) else { return };
        let stand = || Stand {
            berichtsoort: soort.clone(),
            afzender: afzender.clone(),
            sinds: regel.tijd,
            tot_en_met: regel.regel.houdbaar_tot_en_met.as_deref().and_then(|day| day.parse().ok()),
            waar: Waar::Wacht,
        };
        if soort.parse::<Berichtsoort>().is_ok_and(Berichtsoort::awaits_answer) {
            self.unanswered.insert(at.clone(), stand());
        }
        if let Some(verzoek) = regel.regel.in_antwoord_op.as_deref().and_then(|id| id.parse().ok()) {
            self.answered(verzoek, afzender.clone());
        }
        self.open.insert(at, stand());
    }

    pub(super) fn afdeling(
        &self,
        periode: Periode,
        terugkoppeling: Tabel,
        never_collected: Vec<Ongelezen>,
    ) -> Afdeling {
        // What ended before the period is of an earlier one. What can be answered until the last day of a period waits at its end, and
        // lapses in the first moment of the next one.
        let of_now = self.unanswered.iter().filter(|(_, stand)| stand.could_be_answered(periode.eve()));
        let (unanswered, too_late): (Vec<_>, Vec<_>) =
            of_now.partition(|(_, stand)| stand.could_be_answered(periode.tot_en_met));
        // What the gateway says itself is no bericht of a partner that nobody collected.
        let at = |waar: Waar| self.open.iter().filter(move |(_, stand)| stand.waar == waar && !stand.is_from_gateway());
        let of_gateway =
            self.open.values().filter(|stand| stand.waar == Waar::Wacht && stand.is_from_gateway()).count();
        let waiting = terugkoppeling.rijen.len() as u64 + terugkoppeling.weggelaten;
        let zinnen = vec![
            format!(
                "Aan het eind van de periode: niet opgehaald {}, gelezen en niet bevestigd {}, tegengehouden bij aflevering {}, wacht op \
                 antwoord {}. In de periode verlopen zonder antwoord: {}; vervallen zonder dat iemand het ophaalde: {}. Geteld per ontvanger.",
                at(Waar::Wacht).count(),
                at(Waar::Gelezen).count(),
                at(Waar::Tegengehouden).count(),
                unanswered.len(),
                too_late.len(),
                never_collected.iter().map(|(_, aantal)| aantal).sum::<u64>(),
            ),
            format!(
                "Geraadpleegde scenario's zonder terugkoppeling, op dit moment: {waiting}. Een scenario dat is vernieuwd wacht op een eigen \
                 terugkoppeling: die op zijn opvolger telt daarvoor niet."
            ),
            format!(
                "Wat de poort zelf meldt, zoals een waarschuwing dat iets vervalt, staat hier niet bij; daarvan is niet opgehaald: {of_gateway}."
            ),
            EXPECTED.to_owned(),
            NO_TERMS.to_owned(),
        ];
        let rows = |waar: Waar| at(waar).map(row).collect::<Vec<_>>();
        let lapsed = never_collected.into_iter().map(|((soort, van, (partner, loket)), aantal)| {
            vec![soort, van, format!("{partner}/{loket}"), aantal.to_string()]
        });
        let tabellen = vec![
            Tabel::new(("niet_opgehaald", "Niet opgehaald"), &COLUMNS, rows(Waar::Wacht)),
            Tabel::new(("niet_bevestigd", "Gelezen, niet bevestigd"), &COLUMNS, rows(Waar::Gelezen)),
            Tabel::new(("tegengehouden", "Tegengehouden bij aflevering"), &COLUMNS, rows(Waar::Tegengehouden)),
            Tabel::new(("niet_beantwoord", "Wacht op antwoord"), &COLUMNS, unanswered.into_iter().map(row)),
            Tabel::new(
                ("verlopen_zonder_antwoord", "Verlopen zonder antwoord"),
                &COLUMNS,
                too_late.into_iter().map(row),
            ),
            Tabel::new(
                ("ongelezen_vervallen", "Vervallen voor iemand het ophaalde"),
                &["berichtsoort", "afzender", "ontvanger", "aantal"],
                lapsed.collect::<Vec<_>>(),
            ),
            terugkoppeling,
        ];
        Afdeling { naam: "openstaand", titel: "Wat is blijven liggen", zinnen, tabellen }
    }
}

const EXPECTED: &str = "Een antwoord wordt verwacht op een vraag (bekendheidscheck, contextinformatieverzoek, verrijkingsverzoek), een \
                        aanmelding, een opschaling en een buikpijnmelding.";
const NO_TERMS: &str = "Binnen welke tijd iets opgehaald of beantwoord moet zijn staat nog niet in de convenanten; hier staat daarom ook wat \
                        nog op tijd kan zijn.";

const COLUMNS: [&str; 5] = ["bericht", "berichtsoort", "afzender", "ontvanger", "sinds"];

fn row(((bericht, ontvanger), stand): (&(BerichtId, String), &Stand)) -> Vec<String> {
    let Stand { berichtsoort, afzender, sinds, .. } = stand;
    vec![bericht.to_string(), berichtsoort.clone(), afzender.clone(), ontvanger.clone(), moment(*sinds)]
}

impl Oog<'_> {
    /// Whether what passed between these two partners is seen.
    pub(in crate::exchange) fn sees_pair(&self, one: &str, other: &str) -> bool {
        self.ziet.sees_pair(one, other)
    }

    /// What lapsed in a stretch before anybody had it, whenever it was sent.
    pub(super) async fn never_collected(&self, stuk: Stuk) -> Result<Vec<Ongelezen>, Weigering> {
        let lapsed = ongelezen_vervallen(self.read, stuk.van, stuk.tot).await.map_err(unavailable)?;
        let seen = lapsed.into_iter().filter(|((_, from, (to, _)), _)| self.sees_pair(partner(from), to));
        Ok(seen.collect())
    }

    /// The consulted scenario's that wait for a terugkoppeling now.
    pub(super) async fn wacht_op_terugkoppeling(&self, now: Timestamp) -> Result<Tabel, Weigering> {
        let open = zonder_terugkoppeling(self.read, MOST_OPEN).await.map_err(unavailable)?;
        let seen = open.into_iter().filter(|open| self.sees_pair(&open.afzender, &open.ontvanger.0));
        let rows = seen.map(|ZonderTerugkoppeling { bericht, afzender, ontvanger: (partner, loket), sinds }| {
            let days = now.duration_since(sinds).as_hours() / 24;
            vec![bericht.to_string(), afzender, format!("{partner}/{loket}"), moment(sinds), days.to_string()]
        });
        Ok(Tabel::new(
            ("terugkoppeling", "Geraadpleegde scenario's zonder terugkoppeling, nu"),
            &["bericht", "afzender", "geraadpleegd door", "sinds", "dagen"],
            rows,
        ))
    }
}
