"""The shape of a FastAPI service: models, a router, dependencies, async code, a mounted application."""

import time
from typing import Annotated

from fastapi import APIRouter, Depends, FastAPI, Header, HTTPException, Query
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel, Field

bearer = HTTPBearer()
router = APIRouter(prefix="/rides", tags=["rides"])


class Stop(BaseModel):
    latitude: float = Field(ge=-90, le=90)
    longitude: float = Field(ge=-180, le=180)


class Ride(BaseModel):
    passengers: int = Field(gt=0, le=8)
    stops: list[Stop] = Field(min_length=2)
    note: str | None = None


def rider(credentials: Annotated[HTTPAuthorizationCredentials, Depends(bearer)]) -> str:
    if credentials.credentials != "rider":
        raise HTTPException(status_code=401, detail="unknown rider")
    return credentials.credentials


def tenant(x_tenant_key: Annotated[str | None, Header()] = None) -> str:
    if x_tenant_key is None:
        raise HTTPException(403, "no tenant")
    return x_tenant_key


@router.post("", status_code=201)
async def book(ride: Ride, user: Annotated[str, Depends(rider)]) -> dict[str, str]:
    """Book a ride."""
    time.sleep(0.01)
    if len(ride.stops) > 20:
        raise HTTPException(status_code=422, detail="too many stops")
    return {"id": "1", "user": user}


@router.get("/{ride_id}")
def find(ride_id: int, verbose: Annotated[bool, Query()] = False) -> dict[str, int]:
    if ride_id > 100:
        raise HTTPException(status_code=404, detail="no such ride")
    return {"id": ride_id}


inner = FastAPI()


@inner.get("/status")
async def status() -> dict[str, str]:
    return {"status": "ok"}


app = FastAPI(title="Rides")
app.include_router(router, prefix="/v2")
app.mount("/admin", inner)
