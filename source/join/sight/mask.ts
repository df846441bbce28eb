/** What stands for a secret. */
const masked = '***';

/** Well-known forms of keys and tokens, whatever stands before them. */
const forms = [
	/\b(?:sk|pk|rk)[-_][A-Za-z0-9_-]{16,}/g,
	/\bgh[a-z]_[A-Za-z0-9]{8,}|\bgithub_pat_\w{16,}|\bglpat-[\w-]{16,}/g,
	/\b(?:AKIA|ASIA)[A-Z0-9]{12,}/g,
	/\bAIza[\w-]{20,}/g,
	/\bxox[a-z]-[A-Za-z0-9-]{8,}/g,
	/\bnpm_[A-Za-z0-9]{20,}|\bhf_[A-Za-z0-9]{20,}|\bsb_(?:secret|publishable)_[\w-]{8,}|\bsbp_\w{16,}/g,
	// A JSON Web Token.
	/\beyJ[\w-]{8,}\.[\w-]{4,}(?:\.[\w-]*)?/g,
	/-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g,
	// Long runs without a vowel's rhythm: hexadecimal digests are no secret, but a key of 40 letters and digits may be one.
	/(?<![\w/.-])(?=[A-Za-z0-9+_-]*[a-z])(?=[A-Za-z0-9+_-]*[A-Z])(?=[A-Za-z0-9+_-]*\d)[A-Za-z0-9+_-]{40,}={0,2}(?![\w/.-])/g,
] as const;

/** A name that is given a secret: `PASSWORD=`, `api_key:`, `"token": "`, `--secret `. */
const named =
	/((?:pass(?:word|wd|phrase)?|secret|token|api[-_]?key|access[-_]?key|private[-_]?key|credentials?|authorization)["']?\s*[=:]\s*["']?(?:bearer\s+|basic\s+)?|--?(?:password|passwd|secret|token|api-key|access-key)[= ]+["']?)(?![\s"'$*(<{])[^\s"'&;|)]+/gi;
const bearer = /\b(bearer|basic)\s+[A-Za-z0-9+/._~=-]{8,}/gi;
/** The password in an address: `postgres://user:password@host`. Looked for once in a word, or a long one would take quadratic time. */
const inAddress = /(?<![a-z0-9+.-])([a-z][a-z0-9+.-]*:\/\/[^\s/:@]*:)[^\s/@]+@/gi;

/** A text in which what looks like a key, a token or a password is masked. It errs on the side of masking too much. */
export function maskSecrets(text: string): string {
	let out = text.replace(inAddress, `$1${masked}@`).replace(named, `$1${masked}`).replace(bearer, `$1 ${masked}`);
	for (const form of forms) out = out.replace(form, masked);
	return out;
}
