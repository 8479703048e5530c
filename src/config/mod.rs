//! The language of main.cf and master.cf: bytes in, values and bytes out.
//!
//! Nothing here opens a file, reads the environment or asks the clock.
