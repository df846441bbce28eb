import {visualForm} from '../mailbox/look-alike.ts';

/*
 * Clients put what a hook or a tool says between tags of their own before their model reads it: `<system-reminder>`,
 * `<function_results>`. A text that holds such a tag would seem to end what it stands in. A boundary of our own would not help,
 * however random: the frame that must not end is theirs. So no text holds such a tag: its bracket is written `&lt;`, which
 * everybody reads as what it was. Texts with other tags, as of HTML or of generic types, stay as they are.
 */

const brackets = '<＜﹤˂ᐸ‹❮〈⟨';
const bracket = new RegExp(`[${brackets}]`, 'u');
/** A bracket, what may stand between it and a name, and as much as a name needs. Each character is looked at once: a name ends at the next bracket. */
const opening = new RegExp(
	String.raw`[${brackets}](?=([\s\p{Default_Ignorable_Code_Point}/\\⁄∕／|｜]*)([^>${brackets}]{1,80}))`,
	'gu',
);

/** Alone the name of a role or of a part of a prompt. */
const words = /^(?:system|assistant|human|developer|invoke|parameters?|instructions?|reminder|thinking|antml)\b/;
/** Several words, with whatever between them. */
const compound =
	/^(?:antml|system|function|tool|user|assistant|developer|environment|hook|session|permissions?|local|command|bash|task|teammate|agent|claude|codex|gemini|im|start|end|additional|background|new|ide|prompt|thinking|mcp)[-_:.\s]+(?:reminder|results?|calls?|use|output|response|prompt|submit|message|instructions?|context|details|info|command|hook|stdout|stderr|stdin|input|name|args|contents?|notification|start|end|of|code|diagnostics|selection|opened|task|invoke|function|parameter|thinking|mode|error|caveat)/;
/** As special tokens are written: `<|im_start|>`. */
const token = /^[a-z][a-z0-9_ -]{0,40}[|｜]/;

/** The text without a tag that a client frames texts with; to be called before the text is cut into lines. */
export function withoutWrappers(text: string): string {
	if (!bracket.test(text)) return text;
	return text.replaceAll(opening, (sign: string, between: string, name: string) => {
		const looks = visualForm(name);
		const isToken = /[|｜]/u.test(between) && token.test(looks);
		return isToken || words.test(looks) || compound.test(looks) ? '&lt;' : sign;
	});
}
