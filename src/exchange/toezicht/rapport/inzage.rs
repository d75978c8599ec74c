//! Inzage (access): the dossiers of people who asked what was exchanged about them, and whether they are answered in time.

use jiff::Timestamp;

use super::{super::oog::Oog, Afdeling, Stuk, Tabel, moment, of_none};
use crate::{
    domain::{Weigering, houdbaarheid::last_day_before},
    exchange::dossier::Stand,
};

impl Oog<'_> {
    /// The section on dossiers: those of the period, and those that are open now.
    pub(super) async fn inzage(&self, stuk: Stuk, now: Timestamp) -> Result<Afdeling, Weigering> {
        let within = |index: u64| (stuk.van..stuk.tot).contains(&index);
        let mut dossiers = self.standen(now).await?;
        dossiers.retain(|of| within(of.nummer) || of.gesloten_door.is_none_or(within));
        let count = |holds: &dyn Fn(&Stand) -> bool| dossiers.iter().filter(|of| holds(of)).count();
        let zinnen = vec![format!(
            "Dossiers geopend: {}, gesloten: {}. Nu open: {}. Te laat beantwoord, of nog zonder antwoord na de termijn: {}. Nu open met een \
             partner die te laat is met besluiten: {}. Over wie een dossier gaat staat hier niet.",
            count(&|of| within(of.nummer)),
            count(&|of| of.gesloten_door.is_some_and(within)),
            count(&|of| of.gesloten_door.is_none()),
            count(&|of| of.te_laat),
            count(&|of| !of.te_laat_met_besluit.is_empty()),
        )];
        let rows = dossiers.iter().map(|of| {
            let partners = |of: &[String]| if of.is_empty() { "-".to_owned() } else { of.join(", ") };
            vec![
                of.nummer.to_string(),
                of.contactpunt.clone(),
                moment(of.geopend),
                last_day_before(of.antwoord_voor).to_string(),
                of_none(of.gesloten.map(moment)),
                if of.te_laat { "ja" } else { "nee" }.to_owned(),
                partners(&of.zonder_besluit),
                partners(&of.te_laat_met_besluit),
            ]
        });
        let kolommen = &[
            "dossier",
            "contactpunt",
            "geopend",
            "antwoord uiterlijk",
            "gesloten",
            "te laat",
            "zonder besluit",
            "te laat met besluit",
        ];
        let tabel = Tabel::new(("inzage", "Verzoeken om inzage"), kolommen, rows);
        Ok(Afdeling { naam: "inzage", titel: "Wie om inzage vroeg", zinnen, tabellen: vec![tabel] })
    }
}
