//! Integriteit (integrity): what happened to the gateway and its logboek.

use super::{Afdeling, Stuk, Tabel, Tellen, lezing::Gebeurtenis, moment, of_none};
use crate::logboek::Soort;

#[derive(Default)]
pub(super) struct Integriteit {
    /// Starts, stops, and what an operator must explain.
    events: Vec<Vec<String>>,
    starts: u64,
    stops: u64,
    damaged: u64,
    restored: u64,
    /// Refused handshakes, by why and from what class of address.
    handshakes: Tellen<(String, String)>,
}

impl Integriteit {
    pub(super) fn take(&mut self, regel: &Gebeurtenis) {
        let of = &regel.regel;
        match of.soort {
            Soort::Gestart => self.starts += 1,
            Soort::Gestopt => self.stops += 1,
            Soort::Beschadigd => self.damaged += 1,
            Soort::LogHersteld => self.restored += 1,
            Soort::HanddrukGeweigerd => {
                let key = (of_none(of.oorzaak.as_ref()), of_none(of.adres.as_ref()));
                self.handshakes.add(key, regel.aantal());
                return;
            }
            _ => return,
        }
        let what = of.soort.as_str().to_owned();
        let index = regel.getoond.log_index.to_string();
        self.events.push(vec![moment(regel.tijd), what, of_none(of.bericht.as_ref()), index]);
    }

    pub(super) fn afdeling(self, stuk: Stuk, schakels: usize) -> Afdeling {
        let Stuk { van, tot, .. } = stuk;
        let mut zinnen = vec![if tot > van {
            format!(
                "Dit rapport gaat over de logregels {van} tot en met {}. Het bewijs dat het logboek in de periode alleen is aangevuld gaat \
                 erbij, voor {}; wie het rapport met ketenpoort logboek rapport ophaalt, heeft het nagerekend gekregen. Nummers van logregels \
                 tellen door over alle logboeken; een checkpoint telt die van zijn eigen logboek.",
                tot - 1,
                if schakels == 1 { "een logboek".to_owned() } else { format!("{schakels} logboeken") }
            )
        } else {
            "In deze periode is er geen enkele logregel geschreven.".to_owned()
        }];
        zinnen.push(format!(
            "De poort startte {} keer en stopte {} keer in orde. Zonder stop ertussen viel zij uit, of er draaiden er meer naast elkaar.",
            self.starts, self.stops
        ));
        if self.restored > 0 {
            zinnen.push(format!(
                "Er is {} keer na schade met een volgend logboek begonnen: vraag beheer waarom, en wat niet meer vaststaat.",
                self.restored
            ));
        }
        if self.damaged > 0 {
            zinnen.push(format!("Inhoud die beschadigd bleek: {} keer.", self.damaged));
        }
        zinnen.push(
            "De poort rekent het hele logboek na bij haar start en elke dag om 6.00 uur; de pagina Overzicht zegt wanneer dat het laatst was \
             en of het klopte. Wie haar niet op haar woord gelooft doet het zelf: ketenpoort logboek verify heeft alleen de publieke sleutel \
             nodig, en werkt ook op een export."
                .to_owned(),
        );
        let rows = self
            .handshakes
            .sorted()
            .into_iter()
            .map(|((why, adres), aantal)| vec![why.clone(), adres.clone(), aantal.to_string()]);
        let handshakes = Tabel::new(("handdrukken", "Geweigerde verbindingen"), &["oorzaak", "adres", "aantal"], rows);
        let events =
            Tabel::new(("poort", "Wat de poort overkwam"), &["wanneer", "wat", "bericht", "logregel"], self.events);
        Afdeling { naam: "integriteit", titel: "Of het logboek klopt", zinnen, tabellen: vec![events, handshakes] }
    }
}
