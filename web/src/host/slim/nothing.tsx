// SPDX-License-Identifier: Apache-2.0
// In place of @grafana/ui's Monaco editor and map layers (4 MB); we edit with CodeMirror.
const Nothing = () => null;
export const ReactMonacoEditor = Nothing;
export const ReactMonacoEditorLazy = Nothing;
export const OpenLayersProvider = Nothing;
export default Nothing;
