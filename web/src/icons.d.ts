// SPDX-License-Identifier: Apache-2.0
declare module 'virtual:icons' {
  /** File below build/img/icons -> SVG text. */
  const icons: Record<string, string>;
  export default icons;
}
