//! Schade (damage): content that no longer opens ends when it is met. The process log says so, and its afzender is told.
//!
//! A key that is gone is no damage: a key directory can vanish and come back, and what was sealed is then whole.

use std::{collections::BTreeSet, sync::Arc};

use jiff::civil::Date;

use super::Exchange;
use crate::{
    domain::{Berichtsoort, VanKracht},
    store::{Damage, Event, Leased, NotDone, PostvakRij},
};

impl Exchange {
    /// Looks after what a lease met and could not hand out. Gives the days whose key cannot be had now.
    pub(super) async fn look_after(&self, leased: &Leased) -> BTreeSet<Date> {
        self.passed.say(&leased.unreadable);
        for rij in &leased.damaged {
            if let Err(error) = self.end_damaged(rij).await {
                // It stays where it is, and is found again at the next look.
                tracing::error!(bericht = %rij.bericht, %error, "damaged content could not be ended yet");
            }
        }
        let mut without = BTreeSet::new();
        for day in &leased.unknown {
            if let Err(error) = self.keys.existing(*day).await {
                self.passed.say_of_day(*day, &error);
                without.insert(*day);
            }
        }
        without
    }

    /// Ends a bericht for one ontvanger whose content is damaged, and tells its afzender.
    pub(super) async fn end_damaged(&self, rij: &PostvakRij) -> Result<(), NotDone> {
        let judge = |_: Arc<VanKracht>| async {
            // The gateway has nobody to send it again.
            let tell = !rij.afzender.is_gateway();
            let melding =
                if tell { self.about(rij, Berichtsoort::Schademelding, rij.afzender.clone()).await? } else { None };
            let (log_index, actor, opener) = (rij.log_index, self.gateway_itself(), self.keys.clone());
            Ok(Box::new(Damage { log_index, actor, melding, opener }))
        };
        // Then somebody else was first, or the content opens again.
        if let (false, _) = self.write_anew(judge, Event::Damage).await? {
            return Ok(());
        }
        tracing::error!(
            bericht = %rij.bericht, log_index = rij.log_index, ontvanger = %rij.ontvanger.adres,
            "the content of a bericht is damaged; it ended; its afzender is told, if it is still a deelnemer"
        );
        Ok(())
    }
}
