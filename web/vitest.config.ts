// SPDX-License-Identifier: Apache-2.0
import { defineConfig } from 'vitest/config';

// Only the pure parts are tested here; what is drawn is tested in a browser (test/ui).
export default defineConfig({ test: { environment: 'node', include: ['src/**/*.test.ts'] } });
