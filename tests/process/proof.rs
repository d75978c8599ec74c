//! Receipts verify with nothing but the key of the logboek.

use std::{fs, path::Path, process::Output};

use serde_json::Value;

use crate::{
    served::{Served, expect, ketenpoort, stderr},
    traffic::template,
};

fn verify(file: &Path, vkey: &str) -> Output {
    // In an empty directory, so that nothing of the gateway can help.
    let elsewhere = tempfile::tempdir().unwrap();
    let mut command = ketenpoort();
    command.args(["logboek", "proof", "--verify"]).arg(file).args(["--vkey", vkey]);
    command.current_dir(elsewhere.path()).output().unwrap()
}

/// Another character of the same kind, so that the form stays right.
fn flipped(c: char) -> char {
    match c {
        '0'..='8' | 'a'..='y' | 'A'..='Y' => char::from(u8::try_from(c).unwrap() + 1),
        '9' => '8',
        'z' => 'y',
        'Z' => 'Y',
        '\n' => ' ',
        _ => 'A',
    }
}

#[test]
fn a_receipt_verifies_offline_and_a_changed_one_does_not() {
    let mut served = Served::start();
    let bericht = served.path().join("bericht.json");
    fs::write(&bericht, template("bekendheidscheck").to_string()).unwrap();
    for _ in 0..5 {
        expect(&served.partner("send", "zsm", &[bericht.to_str().unwrap()]), 0);
    }
    let receipt = expect(&served.partner("send", "zsm", &[bericht.to_str().unwrap()]), 0);
    let vkey = expect(&served.logboek("vkey", &[]), 0).trim().to_owned();
    served.stop();
    let file = served.path().join("bewijs.json");
    fs::write(&file, &receipt).unwrap();
    let said = expect(&verify(&file, &vkey), 0);
    let receipt: Value = serde_json::from_str(&receipt).unwrap();
    assert!(said.contains(receipt["bericht"].as_str().unwrap()), "does not show the regel: {said}");

    // The proof of any regel, from the logboek itself.
    let proof = served.path().join("regel.tlog-proof");
    let regel = expect(&served.logboek("proof", &["--index", "3"]), 0);
    fs::write(&proof, regel).unwrap();
    expect(&verify(&proof, &vkey), 0);

    let bewijs: Vec<char> = receipt["aanvaardingen"][0]["bewijs"].as_str().unwrap().chars().collect();
    // Steps over every part: header, regel, index, hashes, checkpoint, signature; the last newline ends the note.
    for at in (0..bewijs.len() - 1).step_by(29).chain(bewijs.len() - 120..bewijs.len() - 1) {
        let mut changed = bewijs.clone();
        changed[at] = flipped(changed[at]);
        let changed: String = changed.into_iter().collect();
        let mut forged = receipt.clone();
        forged["aanvaardingen"][0]["bewijs"] = changed.clone().into();
        fs::write(&file, forged.to_string()).unwrap();
        let output = verify(&file, &vkey);
        assert_eq!(output.status.code(), Some(1), "character {at} is not covered:\n{changed}\n{}", stderr(&output));
        assert_eq!(expect(&output, 1), "", "it prints a regel that is not proven");
    }
}

#[test]
fn a_receipt_of_another_logboek_does_not_verify() {
    let served = Served::start();
    let other = Served::start();
    let bericht = served.path().join("bericht.json");
    fs::write(&bericht, template("bekendheidscheck").to_string()).unwrap();
    let file = served.path().join("bewijs.json");
    fs::write(&file, expect(&served.partner("send", "zsm", &[bericht.to_str().unwrap()]), 0)).unwrap();
    let vkey = |served: &Served| expect(&served.logboek("vkey", &[]), 0).trim().to_owned();
    expect(&verify(&file, &vkey(&served)), 0);
    // Of the same name, with another key.
    assert_eq!(expect(&verify(&file, &vkey(&other)), 1), "");
    expect(&verify(&file, "geen sleutel"), 2);
    fs::write(&file, "{}").unwrap();
    expect(&verify(&file, &vkey(&served)), 2);
    expect(&verify(&served.path().join("bestaat-niet"), &vkey(&served)), 2);
    // Without an end.
    expect(&verify(Path::new("/dev/zero"), &vkey(&served)), 2);
}

/// A receipt says more than its proof; what it says must be what is proven.
#[test]
fn a_receipt_that_contradicts_its_proof_does_not_verify() {
    let served = Served::start();
    let bericht = served.path().join("bericht.json");
    fs::write(&bericht, template("bekendheidscheck").to_string()).unwrap();
    let receipt: Value =
        serde_json::from_str(&expect(&served.partner("send", "zsm", &[bericht.to_str().unwrap()]), 0)).unwrap();
    let vkey = expect(&served.logboek("vkey", &[]), 0).trim().to_owned();
    let file = served.path().join("bewijs.json");
    let changes: [(&str, Value); 4] = [
        ("/bericht", "01890a5d-ac96-774b-bcce-b302099a8057".into()),
        ("/aanvaardingen/0/log_index", 9999.into()),
        ("/aanvaardingen/0/stempel/houdbaar_tot_en_met", "2099-01-01".into()),
        ("/aanvaardingen/0/stempel/grondslag", "pbw-18b".into()),
    ];
    for (path, value) in changes {
        let mut other = receipt.clone();
        *other.pointer_mut(path).unwrap() = value;
        fs::write(&file, other.to_string()).unwrap();
        let output = verify(&file, &vkey);
        assert_eq!(output.status.code(), Some(1), "{path} can be changed: {}", String::from_utf8_lossy(&output.stdout));
    }
}
