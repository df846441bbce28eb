import hljs from 'highlight.js/lib/core';
import bash from 'highlight.js/lib/languages/bash';
import c from 'highlight.js/lib/languages/c';
import cpp from 'highlight.js/lib/languages/cpp';
import css from 'highlight.js/lib/languages/css';
import diff from 'highlight.js/lib/languages/diff';
import go from 'highlight.js/lib/languages/go';
import ini from 'highlight.js/lib/languages/ini';
import java from 'highlight.js/lib/languages/java';
import javascript from 'highlight.js/lib/languages/javascript';
import json from 'highlight.js/lib/languages/json';
import python from 'highlight.js/lib/languages/python';
import ruby from 'highlight.js/lib/languages/ruby';
import rust from 'highlight.js/lib/languages/rust';
import sql from 'highlight.js/lib/languages/sql';
import typescript from 'highlight.js/lib/languages/typescript';
import xml from 'highlight.js/lib/languages/xml';
import yaml from 'highlight.js/lib/languages/yaml';
import type {Span} from '../screen/strip.ts';
import type {Style} from '../screen/style.ts';
import {syntax, theme} from '../settings/theme.ts';
import {printable} from '../../printable.ts';

const languages = {
	bash,
	c,
	cpp,
	css,
	diff,
	go,
	ini,
	java,
	javascript,
	json,
	python,
	ruby,
	rust,
	sql,
	typescript,
	xml,
	yaml,
};
for (const [name, language] of Object.entries(languages)) hljs.registerLanguage(name, language);
hljs.registerAliases(['jsonl', 'jsonc', 'json5'], {languageName: 'json'});
hljs.registerAliases(['psql', 'postgres', 'postgresql', 'plpgsql'], {languageName: 'sql'});
hljs.registerAliases(['shell', 'console', 'shellsession'], {languageName: 'bash'});

/** Styles by the highlighter's scopes; others look like plain code. */
const looks: {readonly [scope: string]: Style} = {
	keyword: syntax.keyword,
	built_in: syntax.keyword,
	type: syntax.type,
	'title.class': syntax.type,
	'selector-tag': syntax.keyword,
	name: syntax.keyword,
	literal: syntax.number,
	number: syntax.number,
	string: syntax.string,
	regexp: syntax.string,
	char: syntax.string,
	symbol: syntax.string,
	comment: syntax.comment,
	quote: syntax.comment,
	meta: syntax.comment,
	title: syntax.title,
	section: syntax.title,
	attr: syntax.title,
	attribute: syntax.title,
	'selector-class': syntax.title,
	'selector-id': syntax.title,
	addition: syntax.added,
	deletion: syntax.removed,
};

const piece = /<span class="([^"]*)">|<\/span>|[^<]+/gu;
const entities: {readonly [entity: string]: string} = {
	'&amp;': '&',
	'&lt;': '<',
	'&gt;': '>',
	'&quot;': '"',
	'&#x27;': "'",
};

/** The highlighted lines of a code, or null if the language is unknown. */
export function highlighted(code: string, language: string): Span[][] | null {
	if (hljs.getLanguage(language) === undefined) return null;
	const {value} = hljs.highlight(code, {language, ignoreIllegals: true});
	const lines: Span[][] = [[]];
	const open: Style[] = [];
	for (const [whole, classes] of value.matchAll(piece)) {
		if (classes !== undefined) open.push(lookOfScope(classes) ?? open.at(-1) ?? theme.codeBlock);
		else if (whole === '</span>') open.pop();
		else appendText(lines, unescaped(whole), open.at(-1) ?? theme.codeBlock);
	}
	return lines;
}

/** `hljs-title class_` is the scope `title.class`, which falls back to `title`. */
function lookOfScope(classes: string): Style | undefined {
	const [first = '', second = ''] = classes.split(' ');
	const scope = first.replace(/^hljs-/u, '');
	return looks[`${scope}.${second.replace(/_+$/u, '')}`] ?? looks[scope];
}

function unescaped(text: string): string {
	return text.replaceAll(/&(?:amp|lt|gt|quot|#x27);/gu, entity => entities[entity] ?? entity);
}

function appendText(lines: Span[][], text: string, look: Style): void {
	for (const [index, part] of text.split('\n').entries()) {
		if (index > 0) lines.push([]);
		if (part !== '') lines.at(-1)?.push({text: printable(part), style: look});
	}
}
