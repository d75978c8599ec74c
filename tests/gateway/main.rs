//! A real gateway, real certificates, real clients; a module a verb.

mod ask;
mod bad_input;
mod beheer;
mod deliver;
mod harness;
mod keys;
mod loketten;
mod replica;
mod scenario;
mod send;
mod taking_back;
mod tls;
mod toestanden;
