import {Text as InkText, type TextProps} from 'ink';
import type {ReactNode} from 'react';
import type {Printable} from '../../printable.ts';

/** Ink's text, for what may go to a terminal: the only one that is drawn here. */
export const Text: (props: {readonly children: Printable; readonly wrap?: TextProps['wrap']}) => ReactNode = InkText;
