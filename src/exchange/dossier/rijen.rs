//! Rijen (rows): what the logboek has about somebody, one row for each thing that was exchanged, searched or refused.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::Timestamp;

use super::{
    super::{
        toezicht::{
            oog::{Convenanten, Oog},
            read_regel,
        },
        unavailable,
    },
    leven::Leven,
    woorden,
};
use crate::{
    domain::{
        BerichtId, Berichtsoort, Kenmerk, PartnerNaam, Weigering,
        persoon::{agreeing, are_several},
    },
    logboek::{Logregel, Soort},
    sleutels::Veld,
    store::{
        reading::{openingen::opened, rapport::marks},
        zoeken::{Eis, Merk, Waarop},
    },
};

/// By what somebody is found.
pub(super) type Kenmerken = [(Kenmerk, [u8; 32])];

/// People by their marks, each by its bericht and which one of it.
type People = BTreeMap<(BerichtId, u64), Vec<(Kenmerk, [u8; 32])>>;

/// Something about somebody.
pub(super) struct Rij {
    /// The index of its regel.
    pub(super) log_index: u64,
    pub(super) soort: RijSoort,
    /// Who decides whether it is shown: the partners that took part.
    pub(super) partners: BTreeSet<PartnerNaam>,
    /// What happened, in words.
    pub(super) zinnen: Vec<String>,
}

/// What a row is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RijSoort {
    /// A bericht for one ontvanger.
    Uitwisseling,
    /// A partner searched.
    Zoekvraag,
    /// A partner was refused.
    Weigering,
    /// Somebody of toezicht searched.
    Toezicht,
}

/// A regel that marks of somebody led to.
struct Gevonden {
    index: u64,
    leaf: Vec<u8>,
    regel: Logregel,
}

impl Gevonden {
    /// What row it begins by itself, if any.
    fn begins(&self) -> Option<RijSoort> {
        match self.regel.soort {
            Soort::Aanvaard => Some(RijSoort::Uitwisseling),
            Soort::Geraadpleegd if self.regel.uitkomst.is_some() => Some(RijSoort::Zoekvraag),
            Soort::Geweigerd if self.regel.bericht.is_none() => Some(RijSoort::Weigering),
            Soort::Ingezien | Soort::Geexporteerd => Some(RijSoort::Toezicht),
            _ => None,
        }
    }

    fn bericht(&self) -> Option<BerichtId> {
        self.regel.bericht.as_deref()?.parse().ok()
    }
}

impl Oog<'_> {
    /// Whether these marks lead to more people than one: then nobody knows whose data these are.
    pub(super) async fn is_ambiguous(&self, kenmerken: &Kenmerken) -> Result<bool, Weigering> {
        if kenmerken.iter().any(|(kenmerk, _)| matches!(kenmerk, Kenmerk::Skn | Kenmerk::Bsn)) {
            return Ok(false);
        }
        let regels = self.about(kenmerken).await?;
        let mut people: Vec<_> = self.people(&regels).await?.into_values().collect();
        people.retain(|known| agreeing(kenmerken, known).is_some());
        Ok(are_several(&people))
    }

    /// What happened to somebody before an index, and what became of it until now. Rows in which no partner took part are of the contactpunt.
    pub(super) async fn rijen(
        &self,
        kenmerken: &Kenmerken,
        tot: u64,
        contactpunt: &PartnerNaam,
    ) -> Result<Vec<Rij>, Weigering> {
        let regels = self.about(kenmerken).await?;
        let berichten = self.recognised(&regels, kenmerken).await?;
        let looked = self.looked_for(&regels, kenmerken).await?;
        let hashes = regels.iter().filter_map(|of| of.regel.convenant.as_deref());
        let convenanten = self.convenanten(hashes).await?;
        let mut levens: HashMap<(BerichtId, Option<&str>), Leven> = HashMap::new();
        for of in regels.iter().filter(|of| of.begins().is_none()) {
            let Some(bericht) = of.bericht() else { continue };
            levens.entry((bericht, of.regel.ontvanger.as_deref())).or_default().take(&of.regel);
        }
        let mut rijen = Vec::new();
        for of in regels.iter().filter(|of| of.index < tot) {
            let Some(soort) = of.begins() else { continue };
            let about = match soort {
                RijSoort::Uitwisseling => of.bericht().is_some_and(|bericht| berichten.contains(&bericht)),
                _ => looked.contains(&of.index),
            };
            if !about {
                continue;
            }
            let leven = of.bericht().and_then(|bericht| levens.get(&(bericht, of.regel.ontvanger.as_deref())));
            rijen.push(Rij {
                log_index: of.index,
                soort,
                partners: self.deciding(of, contactpunt),
                zinnen: self.in_words(of, soort, leven, &convenanten),
            });
        }
        Ok(rijen)
    }

    /// The regels that marks of somebody lead to.
    async fn about(&self, kenmerken: &Kenmerken) -> Result<Vec<Gevonden>, Weigering> {
        let of = |(_, pseudoniem): &(Kenmerk, [u8; 32])| Merk::pseudoniem(Waarop::Betrokkene, pseudoniem);
        let found = self.found(vec![Eis::EenVan(kenmerken.iter().map(of).collect())]).await?;
        let regel = |(index, leaf): (u64, Vec<u8>)| Ok(Gevonden { index, regel: read_regel(&leaf)?, leaf });
        found.into_iter().map(regel).collect()
    }

    /// The people in these berichten by their marks, each by its bericht and which one of it.
    async fn people(&self, regels: &[Gevonden]) -> Result<People, Weigering> {
        let named = regels.iter().filter(|of| of.regel.soort == Soort::Aanvaard && !of.regel.betrokkene.is_empty());
        let named: BTreeSet<BerichtId> = named.filter_map(Gevonden::bericht).collect();
        let named: Vec<BerichtId> = named.into_iter().collect();
        let mut people = People::new();
        for mark in marks(self.read, &named).await.map_err(unavailable)? {
            let Ok(pseudoniem) = mark.pseudoniem.try_into() else { continue };
            people.entry((mark.bericht, mark.volgnummer)).or_default().push((mark.kenmerk, pseudoniem));
        }
        Ok(people)
    }

    /// The berichten that are about somebody, by the surest mark that both have; and what follows such a bericht and names nobody itself.
    async fn recognised(&self, regels: &[Gevonden], kenmerken: &Kenmerken) -> Result<BTreeSet<BerichtId>, Weigering> {
        let accepted = || regels.iter().filter(|of| of.regel.soort == Soort::Aanvaard);
        let people = self.people(regels).await?;
        let is_meant = |(_, known): &(&(BerichtId, u64), &Vec<_>)| agreeing(kenmerken, known).is_some();
        let mut berichten: BTreeSet<BerichtId> =
            people.iter().filter(is_meant).map(|((bericht, _), _)| *bericht).collect();
        for of in accepted().filter(|of| of.regel.betrokkene.is_empty()) {
            let earlier = [&of.regel.in_antwoord_op, &of.regel.vervangt].into_iter().flatten();
            if earlier.filter_map(|id| id.parse().ok()).any(|id| berichten.contains(&id)) {
                berichten.extend(of.bericht());
            }
        }
        Ok(berichten)
    }

    /// The regels by which somebody was looked for or refused about, by what opens them.
    async fn looked_for(&self, regels: &[Gevonden], kenmerken: &Kenmerken) -> Result<BTreeSet<u64>, Weigering> {
        let asked = regels.iter().filter(|of| of.begins().is_some_and(|soort| soort != RijSoort::Uitwisseling));
        let asked: Vec<(u64, &[u8], &Logregel)> = asked.map(|of| (of.index, of.leaf.as_slice(), &of.regel)).collect();
        let mut found = BTreeSet::new();
        for page in asked.chunks(PAGE) {
            for (index, opened) in opened(self.read, &self.openingen, page).await.map_err(unavailable)? {
                let people = opened.iter().filter(|(veld, _)| *veld == Veld::Betrokkene);
                let meant = people.into_iter().any(|(_, opening)| {
                    let known = opening.pseudoniemen.iter().filter_map(|(kenmerk, of)| Some(((*kenmerk)?, *of)));
                    agreeing(kenmerken, &known.collect::<Vec<_>>()).is_some()
                });
                found.extend(meant.then_some(index));
            }
        }
        Ok(found)
    }

    /// Who decides about a row.
    fn deciding(&self, of: &Gevonden, contactpunt: &PartnerNaam) -> BTreeSet<PartnerNaam> {
        let partijen = self.namen.partijen(of.index, &of.regel);
        if !partijen.is_empty() {
            return partijen;
        }
        // Somebody of toezicht: an FG looks for its partner, an auditor or operator for nobody in particular.
        let of_partner = matches!(of.regel.rol.as_deref(), Some("fg" | "contact"));
        let partner = of.regel.actor.as_deref().filter(|_| of_partner);
        let partner = partner.and_then(|oin| self.namen.naam(of.index, oin));
        [partner.unwrap_or(contactpunt).clone()].into()
    }

    /// What happened, in words.
    fn in_words(
        &self,
        Gevonden { index, regel, .. }: &Gevonden,
        soort: RijSoort,
        leven: Option<&Leven>,
        convenanten: &Convenanten,
    ) -> Vec<String> {
        let op = regel.tijd.parse::<Timestamp>().map(woorden::moment).unwrap_or_default();
        let called = |adres: &Option<String>| self.called(*index, adres.as_deref());
        let (van, naar) = (called(&regel.afzender), called(&regel.ontvanger));
        let what = regel.berichtsoort.as_deref().and_then(|naam| naam.parse::<Berichtsoort>().ok());
        let what = what.map_or("een bericht", woorden::bericht);
        match soort {
            RijSoort::Uitwisseling => {
                let mut zinnen = vec![format!("Op {op} stuurde {van} aan {naar}: {what}.")];
                zinnen.extend(basis(regel, convenanten));
                zinnen.extend(leven.unwrap_or(&Leven::default()).told(
                    &van,
                    &naar,
                    regel.houdbaar_tot_en_met.as_deref(),
                ));
                zinnen
            }
            RijSoort::Zoekvraag => {
                let wie = called(&regel.actor);
                let uitkomst = match (regel.uitkomst.as_deref(), &regel.afzender) {
                    (Some("gevonden"), Some(_)) => format!("Er lag een plan van {van}."),
                    (Some("gevonden"), None) => "Er lag een plan.".to_owned(),
                    _ => "Er lag geen plan.".to_owned(),
                };
                vec![format!("Op {op} keek {wie} of er een plan (scenario) over u klaarlag. {uitkomst}")]
            }
            RijSoort::Weigering => {
                let code = regel.weigering.as_deref().unwrap_or_default();
                let waarom = Weigering::what_it_is(code).unwrap_or("de reden is niet meer na te gaan");
                let wie = called(&regel.actor);
                let aan = regel.ontvanger.as_ref().map(|_| format!(" aan {naar}")).unwrap_or_default();
                vec![
                    format!(
                        "Op {op} probeerde {wie} iets{aan} te sturen of op te vragen: {what}. De poort hield dat tegen."
                    ),
                    format!("De reden: {waarom}."),
                ]
            }
            RijSoort::Toezicht => {
                let wie = match regel.rol.as_deref() {
                    Some("fg") => format!("de functionaris gegevensbescherming van {}", called(&regel.actor)),
                    Some("auditor") => "een auditor".to_owned(),
                    _ => "iemand die toezicht houdt op de poort of haar beheert".to_owned(),
                };
                vec![format!(
                    "Op {op} zocht {wie} op wat er over u is uitgewisseld. De inhoud is daarbij niet te zien."
                )]
            }
        }
    }

    /// How an address or OIN is called.
    fn called(&self, index: u64, adres: Option<&str>) -> String {
        let Some(adres) = adres else { return "een organisatie".to_owned() };
        let oin = adres.split('/').next().unwrap_or_default();
        match self.namen.naam(index, oin) {
            Some(naam) => self.namen.organisatie(naam).to_owned(),
            None => "de poort zelf".to_owned(),
        }
    }
}

/// Regels whose openings are read at once.
const PAGE: usize = 1024;

/// On what an exchange rests: law and agreement.
fn basis(regel: &Logregel, convenanten: &Convenanten) -> Vec<String> {
    let convenant = regel.convenant.as_ref().and_then(|hash| convenanten.get(hash));
    let grondslag = convenant.zip(regel.grondslag.as_deref()).and_then(|(of, id)| of.grondslag(id));
    let mut zinnen = Vec::new();
    match grondslag {
        Some(of) => {
            let omschrijving = of.omschrijving.trim_end_matches('.');
            zinnen.push(format!(
                "De grondslag, dus waarom dat mocht: {}. {omschrijving}.",
                of.citaat.trim_end_matches('.')
            ));
        }
        None => zinnen.push("De grondslag is niet meer in woorden na te gaan.".to_owned()),
    }
    zinnen
        .extend(convenant.map(|of| format!("De afspraak tussen de organisaties: {}.", of.titel.trim_end_matches('.'))));
    zinnen.extend(
        regel.verwerkingsactiviteit.as_ref().map(|of| format!("Het doel staat in het register van verwerkingen: {of}")),
    );
    zinnen
}
