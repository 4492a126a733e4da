// The release, as the command, the wire and the API tell it.

export const version = "0.1.0";
