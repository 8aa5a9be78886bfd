from flask import Blueprint

bp = Blueprint("regulations", __name__)
