// SPDX-License-Identifier: Apache-2.0
import {
  DataTopic,
  isDataFrame,
  LoadingState,
  toDataFrame,
  type DataQueryRequest,
  type DataSourceApi,
  type PanelData,
} from '@grafana/data';
import { toDataQueryError } from '@grafana/runtime';
import { catchError, from, isObservable, map, of, startWith, type Observable } from 'rxjs';

/** One request of a panel: Loading, then Done or Error; the previous frames stay while it loads. */
export function runRequest(
  source: DataSourceApi,
  request: DataQueryRequest
): Observable<PanelData> {
  const loading: PanelData = {
    series: [],
    annotations: [],
    request,
    timeRange: request.range,
    state: LoadingState.Loading,
  };
  const answer = source.query(request);
  return (isObservable(answer) ? answer : from(answer)).pipe(
    map((response): PanelData => {
      const frames = response.data.map((one) => (isDataFrame(one) ? one : toDataFrame(one)));
      const isAnnotation = (topic: DataTopic | undefined) => topic === DataTopic.Annotations;
      return {
        ...loading,
        state: response.errors?.length ? LoadingState.Error : LoadingState.Done,
        errors: response.errors,
        series: frames.filter((frame) => !isAnnotation(frame.meta?.dataTopic)),
        annotations: frames.filter((frame) => isAnnotation(frame.meta?.dataTopic)),
      };
    }),
    catchError((error: unknown) => {
      const told = toDataQueryError(error);
      return of({ ...loading, state: LoadingState.Error, error: told, errors: [told] });
    }),
    startWith(loading)
  );
}
