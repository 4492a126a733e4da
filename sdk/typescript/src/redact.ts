// Takes secrets out of what is captured, before it reaches the spool: values of secret-looking names, credentials in addresses,
// and tokens whose shape gives them away. Names of training hold "token" all the time (max_tokens, pad_token): numbers and
// short words stay.

export const REDACTED = "[redacted]";

/** Any value of these is a secret. */
const secretWords: ReadonlySet<string> = new Set([
  "password",
  "passwd",
  "passphrase",
  "pwd",
  "secret",
  "secrets",
  "credential",
  "credentials",
  "apikey",
  "bearer",
  "authorization",
]);
/** "access key", "private-key", "apiKey". */
const secretPairs = /(?:api|access|private|secret|encryption|signing|auth|account|storage)[ _.-]?key(?:[ _.-]?id)?$/i;
const tokenName = /(?:^|[ _.-])(?:auth|access|refresh|session|id|api|bot|hf|wandb|github|gh|gitlab)?[ _.-]?tokens?$/i;
/** What a token looks like: long, one word, no markup. */
const tokenValue = /^[^\s<>[\]|]{12,}$/;

/** Whether what is named so is a secret. */
export function isSecret(name: string, value: string): boolean {
  const words = name.replaceAll(/([a-z\d])([A-Z])/g, "$1_$2").toLowerCase();
  if (secretPairs.test(words)) return true;
  if (words.split(/[^a-z\d]+/).some((word) => secretWords.has(word))) return true;
  return tokenName.test(words) && tokenValue.test(value);
}

interface Shape {
  readonly pattern: RegExp;
  readonly replacement: string;
}

/** Public formats of well-known issuers, and credentials within text. */
const shapes: readonly Shape[] = [
  { pattern: /-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g, replacement: REDACTED },
  { pattern: /\b([a-z][a-z\d+.-]{0,20}:\/\/)[^\s/@:]*:[^\s/@]+@/gi, replacement: `$1${REDACTED}@` },
  { pattern: /\b(https?:\/\/)[^\s/@:]{12,}@/gi, replacement: `$1${REDACTED}@` },
  { pattern: /\b(?:ghp|gho|ghu|ghs|ghr|github_pat|glpat|hf|sk|pk|rk|xox[abps]|npm|pypi|dop_v1)[_-][\w-]{16,}/g, replacement: REDACTED },
  { pattern: /\bgwr?_[\da-f_]{16,}/g, replacement: REDACTED },
  { pattern: /\b(?:AKIA|ASIA)[A-Z\d]{16}\b/g, replacement: REDACTED },
  { pattern: /\bAIza[\w-]{35}\b/g, replacement: REDACTED },
  { pattern: /\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*/g, replacement: REDACTED },
  { pattern: /\b((?:Bearer|Basic)\s+)[\w.~+/=-]{8,}/g, replacement: `$1${REDACTED}` },
];
/** name=value, name: value, "name": "value" within text. */
const assignment = /(["']?)([A-Za-z][\w.-]{2,60})\1(\s*[=:]\s*)(["']?)([^\s"',;&]+)\4/g;
/** What follows it is the secret, and has been taken out by its shape. */
const authorizationScheme = /^(?:Bearer|Basic)$/;
/** Anything that could be a secret holds one of these; everything else is spared the patterns. */
const suspicious = /key|token|secret|passw|passphrase|pwd|credential|bearer|basic |authorization|:\/\/|eyJ|AKIA|ASIA|AIza|[-_]/i;

export function redactText(text: string): string {
  if (!suspicious.test(text)) return text;
  let clean = text;
  for (const { pattern, replacement } of shapes) clean = clean.replace(pattern, replacement);
  return clean.replace(assignment, (whole, nameQuote: string, name: string, equals: string, quote: string, value: string) =>
    value !== REDACTED && !authorizationScheme.test(value) && isSecret(name, value)
      ? `${nameQuote}${name}${nameQuote}${equals}${quote}${REDACTED}${quote}`
      : whole,
  );
}

/** "--api-key abc", "--api-key=abc" and the like. */
export function redactArguments(given: readonly string[]): string[] {
  return given.map((argument, i) => {
    const before = given[i - 1];
    if (before !== undefined && /^--?[A-Za-z][\w.-]*$/.test(before) && !argument.startsWith("-") && isSecret(before, argument))
      return REDACTED;
    return redactText(argument);
  });
}

/** A value of the configuration. */
export const redactValue = (name: string, value: string): string => (isSecret(name, value) ? REDACTED : redactText(value));
