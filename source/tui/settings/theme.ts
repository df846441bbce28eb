import type {Tag} from '../../mailbox/tag.ts';
import {style, type Look, type Style} from '../screen/style.ts';
import {colours} from './colours.ts';
import {tagColour} from './tag-colour.ts';

const {grey, faint, green, orange, red, task, code, ink, block} = colours;

export const {selected: selectedTint, focused: focusedTint, header: headerTint, overlay: overlayTint} = colours;

/** A pane's filter, as a filled chip. */
export const filterChip: Style = style({fg: ink, bg: code, bold: true});

/** How search hits are highlighted. */
export const markedLook: Look = {fg: ink, bg: colours.marked};

/** Every style of the screen, by meaning. */
export const theme = {
	text: style({}),
	strong: style({bold: true}),
	grey: style({fg: grey}),
	faint: style({fg: faint}),
	/** Lines between panes. */
	rule: style({fg: colours.rule}),
	good: style({fg: green}),
	goodStrong: style({fg: green, bold: true}),
	warn: style({fg: orange}),
	warnStrong: style({fg: orange, bold: true}),
	bad: style({fg: red}),
	badStrong: style({fg: red, bold: true}),
	task: style({fg: task}),
	code: style({fg: code, bg: colours.codeTint}),
	pending: style({fg: grey, italic: true}),
	link: style({fg: colours.link, underline: true}),
	codeBlock: style({fg: colours.codeText, bg: block}),
	codeHead: style({fg: faint, bg: block}),
	codeName: style({fg: grey, bg: block}),
} as const;

/** Styles of highlighted code. */
export const syntax = {
	keyword: style({fg: colours.keyword, bg: block}),
	type: style({fg: colours.type, bg: block}),
	title: style({fg: code, bg: block}),
	string: style({fg: colours.string, bg: block}),
	number: style({fg: task, bg: block}),
	comment: style({fg: grey, bg: block, italic: true}),
	added: style({fg: green, bg: block}),
	removed: style({fg: red, bg: block}),
} as const;

export function tagStyle(tag: Tag): Style {
	return style({fg: tagColour(tag)});
}

export function tagStrong(tag: Tag): Style {
	return style({fg: tagColour(tag), bold: true});
}

/** A tag as a filled chip. */
export function tagChip(tag: Tag): Style {
	return style({fg: ink, bg: tagColour(tag), bold: true});
}
