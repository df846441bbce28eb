import {Text as InkText, type TextProps} from 'ink';
import type {ReactNode} from 'react';
import type {Printable} from '../../printable.ts';

/** Ink's Text, restricted to printable text. Nothing here uses Ink's own. */
export const Text: (props: {readonly children: Printable; readonly wrap?: TextProps['wrap']}) => ReactNode = InkText;
