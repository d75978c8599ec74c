//! Proposals and history on the wire.

use std::collections::BTreeMap;

use crate::{
    domain::{Identiteit, Instemming, Rol, TeWijzigen, Weigering},
    exchange::{historie::Historie, voorstel::Voorgelegd},
    proto,
    tls::handtekening::holds,
};

/// A proposal as it is sent to somebody; with its texts for who must agree.
#[must_use]
pub fn voorstel(of: Voorgelegd, to: &Identiteit) -> proto::Voorstel {
    let with_texts = matches!(to.rol, Rol::Beheer | Rol::Tekent);
    let document =
        |(TeWijzigen { soort, naam, oud, nieuw }, tekst): (TeWijzigen, Option<String>)| proto::VoorgesteldDocument {
            soort: soort.as_str().to_owned(),
            naam,
            hash: nieuw,
            hash_oud: oud,
            tekst: tekst.filter(|_| with_texts),
        };
    let instemming = |(asked, gegeven): (Instemming, bool)| match asked {
        Instemming::Ander => {
            proto::Instemming { partner: None, convenant: None, gegeven, aan_u: to.rol == Rol::Beheer }
        }
        Instemming::Partij(partner, convenant) => proto::Instemming {
            aan_u: to.rol == Rol::Tekent && to.partner == partner,
            partner: Some(partner.to_string()),
            convenant: Some(convenant),
            gegeven,
        },
    };
    proto::Voorstel {
        voorstel: of.voorstel,
        ingediend: of.ingediend,
        vanaf: of.vanaf,
        reden: of.reden,
        documenten: of.documenten.into_iter().map(document).collect(),
        gevolgen: of.zinnen,
        waarschuwingen: of.waarschuwingen,
        instemming: of.instemming.into_iter().map(instemming).collect(),
    }
}

/// The signatures of a request, each held to the text that is to be signed by the certificate (DER) of who sent it.
///
/// # Errors
/// [`Weigering::HandtekeningOnjuist`].
pub fn handtekeningen(
    sent: Vec<proto::Handtekening>,
    texts: &[(String, String)],
    certificaat: &[u8],
) -> Result<BTreeMap<String, Vec<u8>>, Weigering> {
    let mut signed = BTreeMap::new();
    for proto::Handtekening { convenant, handtekening } in sent {
        let text = texts.iter().find(|(naam, _)| *naam == convenant).map(|(_, text)| text);
        let text = text.ok_or(Weigering::HandtekeningOnjuist)?;
        if !holds(certificaat, text, &handtekening) || signed.insert(convenant, handtekening).is_some() {
            return Err(Weigering::HandtekeningOnjuist);
        }
    }
    Ok(signed)
}

/// A change of one document as it is sent.
#[must_use]
pub fn historie(of: Historie) -> proto::Historie {
    let bekrachtigd = of.bekrachtigd.into_iter().map(|of| proto::Bekrachtiging {
        log_index: of.log_index,
        oin: of.regel.actor.unwrap_or_default(),
        rol: of.regel.rol.unwrap_or_default(),
        handtekening: of.handtekening,
        certificaat: of.certificaat,
    });
    proto::Historie {
        log_index: of.log_index,
        tijd: of.regel.tijd,
        soort: of.soort.as_str().to_owned(),
        naam: of.naam,
        hash: of.regel.convenant,
        rol: of.rol,
        medewerker: of.medewerker,
        reden: of.reden,
        voorstel: of.regel.voorstel,
        bekrachtigd: bekrachtigd.collect(),
    }
}
