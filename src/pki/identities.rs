//! The one table of development identities: organisations, their test OINs and profiles.

use jiff::{SignedDuration, Timestamp};

use super::{LeafSpec, PkiError, after};

/// Somebody who can sign in to a development gateway, as one row of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DevIdentity {
    /// Name of the directory with its certificate; unique.
    pub profile: String,
    /// The partner it acts for; `auditor` and `beheer` are no partner and stand here themselves.
    pub partner: &'static str,
    /// `partner`, `fg`, `tekent`, `contact`, `auditor` or `beheer`; no certificate has two.
    pub role: &'static str,
    /// `O` of the subject.
    pub organisation: &'static str,
    /// `serialNumber` of the subject: 20 positions, test prefix `00000099`.
    pub oin: String,
    /// The single dNSName, and `CN` of the subject. It tells an FG from its partner: they share
    /// the OIN, because an FG belongs to the organisation that the OIN names.
    pub san: String,
}

impl DevIdentity {
    /// The client certificate of this identity, in the recipe of every development leaf.
    ///
    /// # Errors
    /// [`PkiError::Moment`] when `now` lies where no validity fits around it.
    pub fn leaf(&self, now: Timestamp) -> Result<LeafSpec, PkiError> {
        Ok(LeafSpec {
            organisation: self.organisation.to_owned(),
            serial_numbers: vec![self.oin.clone()],
            sans: vec![self.san.clone()],
            server: false,
            not_before: not_before(now)?,
            not_after: not_after(now)?,
        })
    }
}

/// Everyone in development, partners first. Source: the partners of the domain description.
#[must_use]
pub fn dev_identities() -> Vec<DevIdentity> {
    let partners = ORGANISATIES.iter().map(|row| DevIdentity {
        profile: row.profile.to_owned(),
        partner: row.partner,
        role: "partner",
        organisation: row.organisation,
        oin: test_oin(row.number),
        san: format!("{}.ketenpoort.test", row.profile),
    });
    // Who looks, who signs and who answers people belongs to the organisation that the OIN names.
    let of_partner = |role: &'static str| {
        let first = ORGANISATIES.iter().filter(|row| row.is_first);
        first.map(move |row| DevIdentity {
            profile: format!("{role}-{}", row.partner),
            partner: row.partner,
            role,
            organisation: row.organisation,
            oin: test_oin(row.number),
            san: format!("{role}.{}.ketenpoort.test", row.partner),
        })
    };
    let no_partners = [
        ("auditor", "auditor", "Auditdienst ontwikkeling", 401),
        ("beheer", "beheer", "Ketenpoort beheer", 402),
        ("beheer-2", "beheer", "Ketenpoort beheer", 402),
    ];
    let others = no_partners.into_iter().map(|(profile, role, organisation, number)| DevIdentity {
        profile: profile.to_owned(),
        partner: role,
        role,
        organisation,
        oin: test_oin(number),
        san: format!("{profile}.ketenpoort.test"),
    });
    partners.chain(of_partner("fg")).chain(of_partner("tekent")).chain(of_partner("contact")).chain(others).collect()
}

/// The gateway's own certificate: a server, reachable from the same machine only.
pub(super) fn gateway_leaf(now: Timestamp) -> Result<LeafSpec, PkiError> {
    let sans = ["localhost", "gateway.ketenpoort.test", "127.0.0.1", "::1"];
    Ok(LeafSpec {
        organisation: "Ketenpoort ontwikkeling".to_owned(),
        serial_numbers: vec![test_oin(501)],
        sans: sans.map(str::to_owned).to_vec(),
        server: true,
        not_before: not_before(now)?,
        not_after: not_after(now)?,
    })
}

struct Organisatie {
    profile: &'static str,
    /// Not for the second and third OIN of a partner: a partner has one FG, one who signs, and one who answers people.
    is_first: bool,
    partner: &'static str,
    organisation: &'static str,
    number: u32,
}

const fn organisatie(profile: &'static str, organisation: &'static str, number: u32) -> Organisatie {
    Organisatie { profile, is_first: true, partner: profile, organisation, number }
}

/// The numbers are grouped by kind (1xx justice and care, 2xx ZVH, 3xx 3RO) only so that an OIN
/// can be recognised by eye. 3RO comes last: one partner with several OINs.
const ORGANISATIES: [Organisatie; 14] = [
    organisatie("om", "Openbaar Ministerie", 101),
    organisatie("politie", "Politie", 102),
    organisatie("dji", "Dienst Justitiële Inrichtingen", 103),
    organisatie("vt", "Veilig Thuis", 104),
    organisatie("zsm", "ZSM-locatie", 105),
    organisatie("gemeente-breda", "Gemeente Breda", 106),
    organisatie("rvdk", "Raad voor de Kinderbescherming", 107),
    organisatie("zvh-baronie-breda", "Zorg- en Veiligheidshuis Baronie Breda", 201),
    organisatie("zvh-de-markiezaten", "Zorg- en Veiligheidshuis De Markiezaten", 202),
    organisatie("zvh-midden-brabant", "Zorg- en Veiligheidshuis Midden-Brabant", 203),
    organisatie("zvh-zeeland", "Zorg- en Veiligheidshuis Zeeland", 204),
    organisatie("3ro", "Reclassering Nederland", 301),
    Organisatie {
        profile: "3ro-verslavingsreclassering",
        is_first: false,
        partner: "3ro",
        organisation: "Stichting Verslavingsreclassering GGZ",
        number: 302,
    },
    Organisatie {
        profile: "3ro-leger-des-heils",
        is_first: false,
        partner: "3ro",
        organisation: "Leger des Heils Jeugdbescherming & Reclassering",
        number: 303,
    },
];

/// Prefix 8, number 9, suffix 3. No register issues prefix `00000099`, so a development
/// certificate can never carry the OIN of a real organisation.
fn test_oin(number: u32) -> String {
    format!("00000099{number:09}000")
}

/// An hour early, so that a container or partner machine whose clock lags accepts it at once.
pub(super) fn not_before(now: Timestamp) -> Result<Timestamp, PkiError> {
    after(now, SignedDuration::from_hours(-1))
}

/// Short on purpose: a development key that is lost or shared stops working by itself.
fn not_after(now: Timestamp) -> Result<Timestamp, PkiError> {
    after(now, SignedDuration::from_hours(90 * 24))
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;

    #[test]
    fn oins_have_twenty_positions_and_belong_to_one_organisation_each() {
        let mut oin_by_organisation = BTreeMap::new();
        for identity in dev_identities() {
            let oin = identity.oin.clone();
            assert_eq!(oin.len(), 20, "{oin}");
            assert!(oin.starts_with("00000099") && oin.ends_with("000"), "{oin}");
            assert!(oin.bytes().all(|position| position.is_ascii_digit()));
            let earlier = oin_by_organisation.insert(identity.organisation, oin.clone());
            assert!(earlier.is_none_or(|earlier| earlier == oin), "{oin}");
        }
        let gateway = gateway_leaf(Timestamp::UNIX_EPOCH + SignedDuration::from_hours(1)).unwrap();
        let mut oins: Vec<_> = oin_by_organisation.into_values().collect();
        oins.extend(gateway.serial_numbers);
        assert_eq!(oins.iter().collect::<BTreeSet<_>>().len(), oins.len());
    }

    #[test]
    fn profiles_and_sans_are_unique_and_every_partner_has_one_fg() {
        let identities = dev_identities();
        let profiles: BTreeSet<_> = identities.iter().map(|one| &one.profile).collect();
        let sans: BTreeSet<_> = identities.iter().map(|one| &one.san).collect();
        assert_eq!([profiles.len(), sans.len()], [identities.len(); 2]);
        for partner in identities.iter().filter(|one| one.role == "partner") {
            let mut fgs = identities.iter();
            let fg = fgs.find(|one| one.role == "fg" && one.partner == partner.partner);
            let fg = fg.expect(&partner.profile);
            assert_eq!(fg.profile, format!("fg-{}", partner.partner));
            if partner.profile == partner.partner {
                assert_eq!(fg.oin, partner.oin);
            }
        }
        let count = |role| identities.iter().filter(|one| one.role == role).count();
        let roles = ["partner", "fg", "tekent", "contact", "auditor", "beheer"];
        assert_eq!(roles.map(count), [14, 12, 12, 12, 1, 2]);
    }

    #[test]
    fn readme_lists_exactly_the_identities() {
        let readme = include_str!("../../certs-dev/README.md");
        let rows = readme.lines().filter(|line| line.contains(".test` |"));
        let expected = dev_identities().into_iter().map(|one| {
            format!(
                "| `{}` | `{}` | `{}` | {} | `{}` | `{}` |",
                one.profile, one.partner, one.role, one.organisation, one.oin, one.san
            )
        });
        assert_eq!(rows.collect::<Vec<_>>().join("\n"), expected.collect::<Vec<_>>().join("\n"));
    }
}
