// SPDX-License-Identifier: Apache-2.0
import { createContext, useContext } from 'react';
import type { FrontendSettings, User } from '../api/session';

export interface Session {
  user: User;
  settings?: FrontendSettings;
}

export const SessionContext = createContext<Session>({ user: { login: '' } });
export const useSession = () => useContext(SessionContext);
