//! The only module that names the SQL drivers.
