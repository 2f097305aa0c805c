// SPDX-License-Identifier: Apache-2.0
import { get } from './client';

export interface User {
  login: string;
  name?: string;
  email?: string;
  orgName?: string;
  isGrafanaAdmin?: boolean;
}

export interface FrontendSettings {
  appSubUrl?: string;
  buildInfo?: { version?: string; commit?: string; edition?: string };
  workspace?: { id?: string; name?: string };
}

export const currentUser = () => get<User>('user');
export const frontendSettings = () => get<FrontendSettings>('frontend/settings');

/** At the server's root: the session is good for all its workspaces. */
export const signOutUrl = '/logout';
/** The link `hearth login` prints; it works once. */
export const signInUrl = (token: string) => `/login/link?token=${encodeURIComponent(token)}`;
