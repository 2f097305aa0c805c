// SPDX-License-Identifier: Apache-2.0
// In place of @monaco-editor/react, for the same reason as nothing.tsx.
const Nothing = () => null;
export const loader = { config() {}, init: async () => ({}) };
export const useMonaco = () => null;
export const Editor = Nothing;
export const DiffEditor = Nothing;
export default Nothing;
