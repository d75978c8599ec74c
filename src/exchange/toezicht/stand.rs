//! Stand (state): what may be sent now, what might be sent at the end of an earlier day, and what may be sent once a proposal holds.

use std::{collections::BTreeMap, sync::Arc};

use jiff::{Timestamp, civil::Date};

use crate::{
    documenten::{Bron, hash, parse},
    domain::{
        Geladen, VanKracht, Weigering,
        houdbaarheid::{amsterdam_date, unreadable_from},
    },
    exchange::{Exchange, unavailable, van_kracht::aside},
    store::{ledger::regels::index_at, reading::documenten::before},
};

/// Of when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stand {
    /// Of now.
    Nu,
    /// Of the end of this day.
    Op(Date),
    /// Of when this proposal holds, by what is in force now.
    Voorstel(u64),
}

/// What is in force in one of them.
pub struct Geldig {
    /// What may be sent.
    pub van_kracht: Arc<VanKracht>,
    /// The day on which it is judged.
    pub dag: Date,
    /// Since when each text of it is in force, by its hash; nothing for one that is not yet.
    pub sinds: BTreeMap<String, Timestamp>,
}

impl Exchange {
    /// What is in force in that state. It says what convenanten allow and nothing of the logboek, so it is no look.
    ///
    /// # Errors
    /// [`Weigering::OngeldigVeld`] of `op` or `voorstel`: for a day that is not there yet or on which there was no gateway, for a proposal that
    /// is not open, and where the configuration of now cannot read the texts.
    pub async fn stand(&self, stand: Stand) -> Result<Geldig, Weigering> {
        let today = amsterdam_date(self.klok.now());
        let before_day = if let Stand::Op(day) = stand { day } else { today };
        if before_day > today {
            return Err(Weigering::veld("op", "vandaag of eerder"));
        }
        let read = &self.store.read;
        let end = index_at(read, unreadable_from(before_day)).await.map_err(unavailable)?;
        let texts = before(read, end).await.map_err(unavailable)?;
        let sinds = texts.iter().map(|(geladen, tekst)| (hash(tekst), geladen.tijd)).collect();
        let (veld, bronnen, dag) = match stand {
            Stand::Nu => return Ok(Geldig { van_kracht: self.van_kracht(), dag: today, sinds }),
            Stand::Op(_) if texts.is_empty() => {
                return Err(Weigering::veld("op", "een dag waarop deze poort er al was"));
            }
            Stand::Op(day) => {
                let bron = |(geladen, tekst): (Geladen, String)| Bron {
                    herkomst: format!("logregel {}", geladen.log_index).into(),
                    tekst,
                };
                ("op", texts.into_iter().map(bron).collect(), day)
            }
            Stand::Voorstel(nummer) => {
                let texts = self.texts_with_voorstel(nummer).await?;
                let (texts, vanaf) = texts.ok_or_else(|| Weigering::veld("voorstel", "een voorstel dat openstaat"))?;
                ("voorstel", texts, amsterdam_date(vanaf).max(today))
            }
        };
        let omgeving = self.in_force.omgeving.clone();
        let read = move || parse(&bronnen, &omgeving).map(|parsed| parsed.van_kracht(0, &omgeving));
        let (van_kracht, _turn) = aside(self.in_force.turn_to_judge().await, read).await;
        let asked = "een stand waarvan de teksten met de configuratie van nu te lezen zijn";
        let van_kracht = van_kracht.map_err(|_| Weigering::veld(veld, asked))?;
        Ok(Geldig { van_kracht: Arc::new(van_kracht), dag, sinds })
    }
}
