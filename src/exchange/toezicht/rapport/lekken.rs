//! Lekken (data leaks): what was withdrawn as wrongly addressed, with what happened to it and when the authority must know.

use std::collections::{BTreeSet, HashMap};

use jiff::{Timestamp, ToSpan};

use super::{
    super::{oog::Oog, read_regel},
    Afdeling, Periode, Stuk, Tabel,
    lezing::Gebeurtenis,
    moment, of_none,
};
use crate::{
    domain::{BerichtId, Weigering},
    exchange::{RedenIntrekking, dossier::eigen_kopie, unavailable},
    logboek::{Logregel, Soort},
    store::{
        ledger::regels::{regels_at, timeline},
        zoeken::{Eis, Merk, Waarop},
    },
};

/// Leaks whose story is told, and regels of one story, at most.
const MOST_TOLD: usize = 100;
const MOST_REGELS: u32 = 200;

/// Somebody got, or could have got, what was not for him.
struct Lek {
    bericht: BerichtId,
    ontvanger: String,
    afzender: String,
    berichtsoort: String,
    /// When it was noticed, at the latest.
    ontdekt: Timestamp,
    /// Whether it had been handed out.
    ontvangen: bool,
}

#[derive(Default)]
pub(super) struct Lekken(Vec<Lek>);

impl Lekken {
    pub(super) fn take(&mut self, regel: &Gebeurtenis) {
        let of = &regel.regel;
        let is_leak = of.weigering.as_deref() == Some(RedenIntrekking::VerkeerdGeadresseerd.as_str())
            && matches!(of.soort, Soort::Ingetrokken | Soort::VernietigingGevraagd);
        let Some((bericht, ontvanger)) = regel.at().filter(|_| is_leak) else { return };
        if self.0.iter().any(|known| known.bericht == bericht && known.ontvanger == ontvanger) {
            return;
        }
        self.0.push(Lek {
            bericht,
            ontvanger,
            afzender: of_none(regel.getoond.afzender.as_ref()),
            berichtsoort: of_none(of.berichtsoort.as_ref()),
            ontdekt: regel.tijd,
            ontvangen: of.soort == Soort::VernietigingGevraagd,
        });
    }
}

/// Within so many hours the authority is told, AVG art. 33.
const TOLD_WITHIN_HOURS: i64 = 72;

fn deadline(lek: &Lek) -> Timestamp {
    lek.ontdekt.saturating_add(TOLD_WITHIN_HOURS.hours()).unwrap_or(Timestamp::MAX)
}

fn tabel(lekken: &[Lek], now: Timestamp) -> Tabel {
    let row = |lek: &Lek| {
        let left = deadline(lek).duration_since(now);
        let left = match left.as_hours() {
            _ if left.is_negative() => "voorbij".to_owned(),
            0 => "nog geen uur".to_owned(),
            hours => format!("nog {hours} uur"),
        };
        let received = if lek.ontvangen { "ja" } else { "nee" };
        let Lek { bericht, ontvanger, afzender, berichtsoort, .. } = lek;
        vec![
            bericht.to_string(),
            berichtsoort.clone(),
            afzender.clone(),
            ontvanger.clone(),
            received.to_owned(),
            moment(lek.ontdekt),
            moment(deadline(lek)),
            left,
        ]
    };
    Tabel::new(
        ("lekken", "Verkeerd geadresseerd"),
        &["bericht", "berichtsoort", "afzender", "ontvanger", "ontvangen", "ontdekt", "melden voor", "tijd"],
        lekken.iter().map(row),
    )
}

impl Oog<'_> {
    /// The data leaks of a period, as a table of the report has them.
    pub(in crate::exchange::toezicht) async fn lekken_van(
        &self,
        periode: Periode,
        now: Timestamp,
    ) -> Result<Tabel, Weigering> {
        let Stuk { van, tot, .. } = self.stuk(periode).await?;
        let mut vraag = self.seen(van, tot);
        let wrong = Merk::new(Waarop::Weigering, RedenIntrekking::VerkeerdGeadresseerd.as_str());
        vraag.eisen.push(Eis::EenVan(vec![wrong]));
        let found = self.zoeken.find(&vraag).await.map_err(unavailable)?.page(None, MOST_TOLD, true);
        let mut lekken = Lekken::default();
        for (index, leaf) in regels_at(self.read, &found).await.map_err(unavailable)? {
            let regel = read_regel(&leaf)?;
            lekken.take(&self.told(index, leaf, regel, &mut HashMap::new())?);
        }
        Ok(tabel(&lekken.0, now))
    }

    /// The section on data leaks.
    pub(super) async fn lekken(&self, Lekken(lekken): &Lekken, now: Timestamp) -> Result<Afdeling, Weigering> {
        let berichten: BTreeSet<BerichtId> = lekken.iter().map(|lek| lek.bericht).collect();
        let mut zinnen = vec![if lekken.is_empty() {
            "Er is niets ingetrokken als verkeerd geadresseerd.".to_owned()
        } else {
            let received = lekken.iter().filter(|lek| lek.ontvangen).count();
            format!(
                "Berichten ingetrokken als verkeerd geadresseerd: {}. Ontvangers: {}; daarvan hadden het al ontvangen: {received}.",
                berichten.len(),
                lekken.len()
            )
        }];
        if !lekken.is_empty() {
            zinnen.push(
                "Een datalek wordt binnen 72 uur na ontdekking gemeld aan de Autoriteit Persoonsgegevens, tenzij er geen risico is (AVG art. \
                 33). De poort telt vanaf de intrekking: is het eerder ontdekt, dan is er minder tijd. Of er gemeld is, weet zij niet."
                    .to_owned(),
            );
        }
        let mut story = Vec::new();
        for lek in lekken.iter().take(MOST_TOLD) {
            story.extend(self.story(lek).await?);
        }
        let told = lekken.len().saturating_sub(MOST_TOLD);
        if told > 0 {
            zinnen.push(format!("Van {told} daarvan staat het verloop hier niet; vraag het leven van dat bericht op."));
        }
        let tabellen = vec![
            tabel(lekken, now),
            Tabel::new(
                ("lekken_verloop", "Wat ermee gebeurde"),
                &["bericht", "wanneer", "wat", "door", "ontvanger", "uitkomst"],
                story,
            ),
        ];
        Ok(Afdeling { naam: "datalekken", titel: "Datalekken", zinnen, tabellen })
    }

    /// What happened to it, for the ontvanger that it was not for.
    async fn story(&self, lek: &Lek) -> Result<Vec<Vec<String>>, Weigering> {
        let mut connection = self.read.acquire().await.map_err(unavailable)?;
        let regels = timeline(&mut connection, lek.bericht, 0, MOST_REGELS).await.map_err(unavailable)?;
        drop(connection);
        let indexes: Vec<u64> =
            regels.iter().filter(|(index, leaf)| self.sees_regel(*index, leaf)).map(|(at, _)| *at).collect();
        let shown = self.shown(&indexes).await?;
        let of_lek = shown.into_iter().filter(|shown| shown.ontvanger.as_ref().is_none_or(|at| *at == lek.ontvanger));
        let row = |shown: super::super::Getoond| {
            let regel: Logregel = read_regel(&shown.leaf)?;
            let wanneer = regel.tijd.parse().map(moment).map_err(unavailable)?;
            let wat = regel.soort.as_str().to_owned();
            // What the ontvanger did with its own copy.
            let uitkomst =
                (regel.soort == Soort::VernietigingBevestigd).then(|| eigen_kopie(regel.weigering.as_deref()));
            let (door, ontvanger) = (of_none(shown.actor), of_none(shown.ontvanger));
            Ok(vec![lek.bericht.to_string(), wanneer, wat, door, ontvanger, of_none(uitkomst)])
        };
        of_lek.map(row).collect()
    }
}
