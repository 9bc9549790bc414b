//! The only module that names the Sheets API.
