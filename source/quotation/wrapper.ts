import {visualForm} from '../mailbox/look-alike.ts';

/*
 * Clients wrap the output of a hook or a tool in tags, such as `<system-reminder>` and `<function_results>`, before their model
 * reads it. A text that contains such a tag would appear to end its wrapper. A random boundary would not help, because the
 * wrapper is the client's and not ours. Therefore the bracket of such a tag is written as `&lt;`, which every reader
 * understands. Other tags, as in HTML or generic types, stay as they are.
 */

const brackets = '<＜﹤˂ᐸ‹❮〈⟨';
const bracket = new RegExp(`[${brackets}]`, 'u');
/**
 * A bracket, the characters that may precede a name, and the longest possible name. A name ends at the next bracket, so that each
 * character is read only once.
 */
const opening = new RegExp(
	String.raw`[${brackets}](?=([\s\p{Default_Ignorable_Code_Point}/\\⁄∕／|｜]*)([^>${brackets}]{1,80}))`,
	'gu',
);

/** The name of a role or of a part of a prompt. */
const words = /^(?:system|assistant|human|developer|invoke|parameters?|instructions?|reminder|thinking|antml)\b/;
/** Such names of several words, with any separator. */
const compound =
	/^(?:antml|system|function|tool|user|assistant|developer|environment|hook|session|permissions?|local|command|bash|task|teammate|agent|claude|codex|gemini|im|start|end|additional|background|new|ide|prompt|thinking|mcp)[-_:.\s]+(?:reminder|results?|calls?|use|output|response|prompt|submit|message|instructions?|context|details|info|command|hook|stdout|stderr|stdin|input|name|args|contents?|notification|start|end|of|code|diagnostics|selection|opened|task|invoke|function|parameter|thinking|mode|error|caveat)/;
/** Special tokens, such as `<|im_start|>`. */
const token = /^[a-z][a-z0-9_ -]{0,40}[|｜]/;

/** The text without tags that a client wraps texts in. To be called before the text is split into lines. */
export function withoutWrappers(text: string): string {
	if (!bracket.test(text)) return text;
	return text.replaceAll(opening, (sign: string, between: string, name: string) => {
		const looks = visualForm(name);
		const isToken = /[|｜]/u.test(between) && token.test(looks);
		return isToken || words.test(looks) || compound.test(looks) ? '&lt;' : sign;
	});
}
