//! Waking those who wait at a postvak: a hint beside polling.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::Notify;

use crate::domain::Adres;

/// One bell a postvak.
#[derive(Clone, Default)]
pub struct Wakers(Arc<Mutex<HashMap<Adres, Arc<Notify>>>>);

impl Wakers {
    /// The bell of a postvak.
    #[must_use]
    pub fn of(&self, adres: &Adres) -> Arc<Notify> {
        let mut bells = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(bells.entry(adres.clone()).or_default())
    }

    /// Something arrived here.
    pub(in crate::store) fn ring(&self, adres: &Adres) {
        let bells = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bell) = bells.get(adres) {
            bell.notify_waiters();
        }
    }

    /// Something may have arrived anywhere, or may be handed out since what is in force changed.
    pub fn ring_all(&self) {
        let bells = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        bells.values().for_each(|bell| bell.notify_waiters());
    }
}
