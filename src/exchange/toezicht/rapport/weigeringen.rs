//! Weigeringen (refusals): what partners were refused, why, and to whom.

use super::{Afdeling, Tabel, Tellen, lezing::Gebeurtenis, of_none};
use crate::{domain, logboek::Soort};

/// Who was refused something: the reason, the loket or organisation, and the employee.
type Wie = (String, String, String);

#[derive(Default)]
pub(super) struct Weigeringen {
    by_reason: Tellen<String>,
    by_who: Tellen<Wie>,
    /// Refused when it was to be handed out: the reason, from whom, to whom.
    at_delivery: Tellen<(String, String, String)>,
    /// What toezicht and beheer were refused.
    of_others: u64,
}

impl Weigeringen {
    pub(super) fn take(&mut self, regel: &Gebeurtenis) {
        if regel.regel.soort != Soort::Geweigerd {
            return;
        }
        let reason = regel.regel.weigering.clone().unwrap_or_default();
        let (afzender, ontvanger) =
            (of_none(regel.getoond.afzender.as_ref()), of_none(regel.getoond.ontvanger.as_ref()));
        if regel.is_refused_at_delivery() || regel.regel.rol.as_deref() == Some("poort") {
            self.at_delivery.add((reason, afzender, ontvanger), regel.aantal());
        } else if regel.is_of_partner() {
            let who = of_none(regel.getoond.afzender.as_ref().or(regel.getoond.actor.as_ref()));
            self.by_reason.add(reason.clone(), regel.aantal());
            self.by_who.add((reason, who, of_none(regel.medewerker.as_ref())), regel.aantal());
        } else {
            self.of_others += regel.aantal();
        }
    }

    /// How often a partner was refused something.
    pub(super) fn refused(&self) -> u64 {
        self.by_reason.sum()
    }

    pub(super) fn afdeling(&self) -> Afdeling {
        let reasons = self.by_reason.sorted().into_iter();
        let reasons = reasons
            .map(|(code, aantal)| vec![code.clone(), of_none(domain::Weigering::what_it_is(code)), aantal.to_string()]);
        let three = |of: &Tellen<Wie>| {
            let row = |((one, two, three), aantal): (&Wie, u64)| {
                vec![one.clone(), two.clone(), three.clone(), aantal.to_string()]
            };
            of.sorted().into_iter().map(row).collect::<Vec<_>>()
        };
        let zinnen = vec![
            format!(
                "Geweigerd aan partners: {}. Bij aflevering tegengehouden, omdat het intussen niet meer was toegestaan: {}. Verzoeken van \
                 toezicht en beheer die niet klopten: {}.",
                self.by_reason.sum(),
                self.at_delivery.sum(),
                self.of_others
            ),
            "Een medewerker heeft een code die in elk rapport dezelfde is. Wie het is blijkt alleen door met een personeelsreferentie van de \
             partner te zoeken, met een reden."
                .to_owned(),
        ];
        let tabellen = vec![
            Tabel::new(("weigeringen", "Geweigerd, naar reden"), &["weigering", "wat er was", "aantal"], reasons),
            Tabel::new(
                ("geweigerd_wie", "Geweigerd, naar loket en medewerker"),
                &["weigering", "loket", "medewerker", "aantal"],
                three(&self.by_who),
            ),
            Tabel::new(
                ("geweigerd_bij_aflevering", "Tegengehouden bij aflevering"),
                &["weigering", "afzender", "ontvanger", "aantal"],
                three(&self.at_delivery),
            ),
        ];
        Afdeling { naam: "geweigerd", titel: "Wat er is geweigerd", zinnen, tabellen }
    }
}
