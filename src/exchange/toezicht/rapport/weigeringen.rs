//! Weigeringen (refusals): what was refused, why, and to whom.

use super::{Afdeling, Tabel, Tellen, keer, lezing::Gebeurtenis, of_none};
use crate::{domain, logboek::Soort};

#[derive(Default)]
pub(super) struct Weigeringen {
    by_reason: Tellen<String>,
    /// By reason, who was refused, the loket of it, and the employee.
    by_who: Tellen<(String, String, String)>,
}

impl Weigeringen {
    pub(super) fn take(&mut self, regel: &Gebeurtenis) {
        if regel.regel.soort != Soort::Geweigerd {
            return;
        }
        let reason = regel.regel.weigering.clone().unwrap_or_default();
        let who = of_none(regel.getoond.afzender.as_ref().or(regel.getoond.actor.as_ref()));
        self.by_reason.add(reason.clone(), regel.aantal());
        self.by_who.add((reason, who, of_none(regel.medewerker.as_ref())), regel.aantal());
    }

    pub(super) fn afdeling(&self) -> Afdeling {
        let told = |code: &str| {
            let row = domain::Weigering::TABLE.iter().find(|row| row.code == code);
            row.map_or_else(|| "-".to_owned(), |row| row.uitleg.to_owned())
        };
        let reasons = self
            .by_reason
            .sorted()
            .into_iter()
            .map(|(code, aantal)| vec![code.clone(), told(code), aantal.to_string()]);
        let who = self.by_who.sorted().into_iter().map(|((code, wie, medewerker), aantal)| {
            vec![code.clone(), wie.clone(), medewerker.clone(), aantal.to_string()]
        });
        let zinnen = vec![format!(
            "Er is {} keer geweigerd. Een medewerker heeft hier een code die in elk rapport dezelfde is; wie het is weet de poort niet.",
            self.by_reason.sum()
        )];
        let tabellen = vec![
            Tabel::new(("weigeringen", "Geweigerd, naar reden"), &["weigering", "uitleg", "aantal"], reasons),
            Tabel::new(
                ("geweigerd_wie", "Geweigerd, naar loket en medewerker"),
                &["weigering", "loket", "medewerker", "aantal"],
                who,
            ),
        ];
        let zinnen = if self.by_reason.sum() == 0 {
            vec![format!("Er waren {}.", keer(0, "weigering", "weigeringen"))]
        } else {
            zinnen
        };
        Afdeling { naam: "geweigerd", titel: "Wat er is geweigerd", zinnen, tabellen }
    }
}
