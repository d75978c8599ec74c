//! Waking those who wait: a hint beside polling.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
};

use tokio::sync::Notify;

use crate::store::postvak::bell::Bell;

/// The bells by which somebody waits.
#[derive(Clone, Default)]
pub struct Wakers(Arc<Mutex<HashMap<Bell, Weak<Notify>>>>);

impl Wakers {
    /// A bell, to wait by. It is known as long as somebody has it.
    #[must_use]
    pub fn of(&self, bell: Bell) -> Arc<Notify> {
        let mut bells = self.bells();
        bells.retain(|_, known| known.strong_count() > 0);
        if let Some(known) = bells.get(&bell).and_then(Weak::upgrade) {
            return known;
        }
        let notify = Arc::default();
        bells.insert(bell, Arc::downgrade(&notify));
        notify
    }

    /// Something can be had by this bell. One of those who wait is woken; whoever takes all that it may take wakes the next one.
    pub(in crate::store) fn ring(&self, bell: &Bell) {
        if let Some(known) = self.bells().get(bell).and_then(Weak::upgrade) {
            known.notify_one();
        }
    }

    /// Something may have arrived anywhere, or may be handed out since what is in force changed. All are woken.
    pub fn ring_all(&self) {
        self.bells().values().filter_map(Weak::upgrade).for_each(|known| known.notify_waiters());
    }

    fn bells(&self) -> MutexGuard<'_, HashMap<Bell, Weak<Notify>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::BerichtId;

    #[tokio::test]
    async fn a_bell_that_nobody_has_is_forgotten() {
        let wakers = Wakers::default();
        let verzoek = |number| Bell::Verzoek(BerichtId(uuid::Uuid::from_u128(number)));
        for number in 0..1000 {
            drop(wakers.of(verzoek(number)));
        }
        let kept = wakers.of(verzoek(1000));
        assert_eq!(wakers.bells().len(), 1);
        wakers.ring(&verzoek(1000));
        kept.notified().await;
    }
}
