// Generated from clients/openapi.json by `make clients`. Do not edit.

/** Rows in one batch. */
export const MAX_ROWS = 100;
