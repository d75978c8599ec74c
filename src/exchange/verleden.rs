//! Verleden (the past): when each convenant in force was loaded, and what it was before. Where several convenanten allow one exchange,
//! that decides which one stamps.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::{
    documenten::convenant::of_the_past,
    domain::{Geladen, Historie, VanKracht, Versie},
    store::{
        Pool, StoreError,
        reading::documenten::{self, Loaded},
    },
};

/// When the texts of each convenant were loaded since it was last withdrawn, as of one version of what is in force.
pub(super) struct Verleden(Vec<EenConvenant>);

/// One convenant: its name, its version in force, and the ones before it with their texts and until when each was in force.
struct EenConvenant {
    naam: String,
    geladen: Geladen,
    eerder: Vec<(Geladen, Timestamp, String)>,
}

impl Verleden {
    /// Reads it from the database. Texts of the past are read only of the convenanten in `meeting`, those that meet others: only of
    /// these the past is asked.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be read.
    pub(super) async fn read(
        read: &Pool,
        history: BTreeMap<String, Vec<Loaded>>,
        meeting: &BTreeSet<String>,
    ) -> Result<Self, StoreError> {
        let mut names = Vec::new();
        for (naam, versies) in history {
            let Some((newest, earlier)) = versies.split_last() else { continue };
            let earlier = if meeting.contains(&naam) { earlier } else { &[] };
            let mut eerder = Vec::with_capacity(earlier.len());
            for (loaded, next) in earlier.iter().zip(&versies[1..]) {
                eerder.push((loaded.geladen, next.geladen.tijd, documenten::tekst(read, loaded).await?));
            }
            names.push(EenConvenant { naam, geladen: newest.geladen, eerder });
        }
        Ok(Self(names))
    }

    /// The history of each convenant, by name. This takes a while, and is not for the threads that answer calls.
    pub(super) fn of(&self, van_kracht: &VanKracht) -> BTreeMap<String, Historie> {
        let versie = |(geladen, tot, tekst): &(Geladen, Timestamp, String)| {
            let convenant = of_the_past(tekst, van_kracht.deelnemers())?;
            Some(Versie { geladen: *geladen, tot: *tot, convenant })
        };
        let of_name = |EenConvenant { naam, geladen, eerder }: &EenConvenant| {
            (naam.clone(), Historie { geladen: *geladen, eerder: eerder.iter().filter_map(versie).collect() })
        };
        self.0.iter().map(of_name).collect()
    }
}
