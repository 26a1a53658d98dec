//! Slots that the memory of a run is bound to: arena, constants, parameters, results, packed parameters, in this order.

/// The arena's.
pub const ARENA: u32 = 0;
/// That of the constants.
pub const CONSTANTS: u32 = 1;
/// That of the first parameter.
pub const PARAMS: u32 = 2;
