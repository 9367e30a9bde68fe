//! The catalogue's files as constants, written by the build script.

use crate::dialect::{Dialect, DialectPatch};
use crate::endpoint::Endpoints;
use crate::error_rule::{ErrorKind, ErrorPattern, ErrorRule, ErrorRules};
use crate::fields::Fields;
use crate::model::{Abilities, Model, ModelPattern, ModelRule};
use crate::price::{ListPrice, PriceTier};
use crate::provider::{ApiVersionRule, AuthHeader, Profile, Provider};
use crate::retirement::{Retirement, RetirementState};
use crate::upstream::{PathLayout, UpstreamFormat};
use crate::words::*;

include!(concat!(env!("OUT_DIR"), "/tables.rs"));
