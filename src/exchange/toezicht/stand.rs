//! Stand (state): what may be sent now, what might be sent at the end of an earlier day, and what may be sent once a proposal holds.

use std::sync::Arc;

use jiff::civil::Date;

use crate::{
    documenten::{Bron, parse},
    domain::{
        VanKracht, Weigering,
        houdbaarheid::{amsterdam_date, unreadable_from},
    },
    exchange::{Exchange, unavailable, van_kracht::aside},
    store::{ledger::regels::index_at, reading::documenten::before},
};

/// Which of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stand {
    /// Of now.
    Nu,
    /// Of the end of this day.
    Op(Date),
    /// Of when this proposal holds, by what is in force now.
    Voorstel(u64),
}

impl Exchange {
    /// What is in force in that state, and on which day it is judged. It says what convenanten allow and nothing of the logboek, so it is
    /// no look.
    ///
    /// # Errors
    /// [`Weigering::OngeldigVeld`] of `op` or `voorstel`: for a day that is not there yet or on which there was no gateway, for a proposal that
    /// is not open, and where the configuration of now cannot read the texts.
    pub async fn stand(&self, stand: Stand) -> Result<(Arc<VanKracht>, Date), Weigering> {
        let today = amsterdam_date(self.klok.now());
        let (veld, bronnen, day) = match stand {
            Stand::Nu => return Ok((self.van_kracht(), today)),
            Stand::Op(day) => ("op", self.texts_at(day, today).await?, day),
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
        Ok((Arc::new(van_kracht), day))
    }

    /// The texts in force at the end of a day.
    async fn texts_at(&self, day: Date, today: Date) -> Result<Vec<Bron>, Weigering> {
        if day > today {
            return Err(Weigering::veld("op", "vandaag of eerder"));
        }
        let read = &self.store.read;
        let end = index_at(read, unreadable_from(day)).await.map_err(unavailable)?;
        let texts = before(read, end).await.map_err(unavailable)?;
        if texts.is_empty() {
            return Err(Weigering::veld("op", "een dag waarop deze poort er al was"));
        }
        let bronnen = texts
            .into_iter()
            .map(|(geladen, tekst)| Bron { herkomst: format!("logregel {}", geladen.log_index).into(), tekst });
        Ok(bronnen.collect())
    }
}
